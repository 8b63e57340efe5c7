/** How machines find this appliance: the plan before anything is written, what stands there, and what clients see. */
import { useCallback, useState } from 'preact/hooks';
import { get, getText, part, send } from '../api/client';
import { may, useSession } from '../api/session';
import type { DnsChange, DnsKey, DnsTarget, DnsView, Domain, List } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { t, word } from '../i18n';
import type { PageProps } from '.';
import { Callout, CopyButton, Empty, Labelled, Name, Sev, TabCount, Time, Trouble, useTitle, Waiting, type Severity } from '../ui/bits';
import { Confirm, Dialog } from '../ui/dialog';
import { Diff } from '../ui/diff';
import { Icon } from '../ui/icons';
import { linesOf, zonesOf, type Zone } from '../ui/plan';
import { toast } from '../ui/toast';

const verdicts: Record<string, Exclude<Severity, 'lab'>> = { ours: 'ok', allowed: 'ok', bypass: 'note', unknown: 'note', missing: 'warn', stale: 'warn', unreachable: 'warn', 'not-kms': 'warn', foreign: 'warn', differs: 'warn', 'servers-differ': 'warn', scavenging: 'warn' };
const servers = ['bind', 'knot', 'powerdns', 'unbound', 'dnsmasq', 'windows'];

function ZonePlan({ zone }: { zone: Zone }) {
    const one = zone.changes[0];
    const problem = zone.changes.find((c) => c.problem)?.problem ?? '';
    const state = one?.expected === 'refused' ? <Sev level="crit">{t('dns.refused')}</Sev> : problem ? <Sev level="warn">{t('dns.noPlan')}</Sev> : one?.expected === 'accepted' ? <Sev level="ok">{t('dns.accepted')}</Sev> : <Sev level="note">{t('dns.untried')}</Sev>;
    const lines = linesOf(zone.changes);
    return (
        <div class="zone"><div class="head"><h3><Name>{zone.domain}</Name></h3><span class="muted sm">{zone.server ? t(one?.key ? 'dns.viaKey' : 'dns.via', { server: zone.server, key: one?.key ?? '' }) : t('dns.noServer')}</span><span class="gap">{state}</span></div>
            {lines.length > 0 && <Diff lines={lines} label={t('dns.changesIn', { domain: zone.domain })} />}
            {problem && <div class="spaced"><Callout level={one?.expected === 'refused' ? 'crit' : 'warn'} title={t(one?.expected === 'refused' ? 'dns.refused.title' : 'dns.noPlan.title')}><p>{problem}</p><p><a href="?view=snippets">{t('dns.byHand')}</a></p></Callout></div>}
            {one?.held && <p class="sm muted spaced2">{t('dns.held', { why: one.held })}</p>}</div>
    );
}

function Plan({ change }: { change: () => void }) {
    const { session } = useSession();
    const operator = may(session, 'operator');
    const plan = useResource(useCallback((signal: AbortSignal) => get<List<DnsChange>>('/dns/changes', {}, signal), []));
    const domains = useResource(useCallback((signal: AbortSignal) => get<List<Domain>>('/dns/domains', {}, signal), []), 5000);
    const [asks, setAsks] = useState<'publish' | 'withdraw'>();
    const act = useAct();
    const items = plan.data?.items ?? [];
    const n = items.filter((c) => c.change !== '=').length;
    const zones = zonesOf(items);
    const run = (path: 'publish' | 'withdraw') => void act.run(async () => {
        if (path === 'publish') await send('PATCH', '/settings', { set: ['dns.publish=true'] }).catch(() => undefined);
        await send('POST', `/dns/${path}`, {});
        toast(t(path === 'publish' ? 'dns.published' : 'dns.withdrawn'));
        setAsks(undefined);
        plan.reload();
        domains.reload();
        change();
    });
    if (domains.data?.items.length === 0)
        return <Empty title={t('dns.none')}><p>{t('dns.none.detail')}</p><p class="row"><a class="btn go" href="/settings/dns">{t('dns.name')}</a></p></Empty>;
    const why = !operator ? t('act.needs', { role: word('role', 'operator') }) : n === 0 ? t('dns.nothing') : '';
    return (
        <section aria-labelledby="p1"><h2 class="vh" id="p1">{t('dns.plan')}</h2>
            {plan.problem && <Trouble problem={plan.problem} again={plan.reload} />}
            {!plan.data && !plan.problem && <Waiting />}
            {plan.data && <p class="lede lg">{n > 0 ? t('dns.changes', { n }) : items.some((c) => c.problem) ? t('dns.noPlanYet') : t('dns.asItShould')}</p>}
            {zones.map((z) => <ZonePlan key={`${z.domain} ${z.zone} ${z.server}`} zone={z} />)}
            {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {plan.data && <p class="row spaced"><button class="btn go" type="button" disabled={why !== ''} aria-describedby="dns-why" onClick={() => setAsks('publish')}>{t('dns.publishN', { n })}</button><button class="btn" type="button" disabled={!operator} onClick={() => setAsks('withdraw')}>{t('dns.withdraw')}</button><span class="xs muted" id="dns-why">{why}</span></p>}
            {domains.data && domains.data.items.length > 0 && <div class="sect"><div class="head"><h2>{t('dns.stands')}</h2></div>
                <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('dns.stands') })}><table class="tall"><thead><tr><th scope="col">{t('dns.domain')}</th><th scope="col">{t('dns.state')}</th><th scope="col" class="opt-md">{t('dns.record')}</th><th scope="col" class="num opt-md">{t('dns.lastPublished')}</th></tr></thead>
                    <tbody>{domains.data.items.map((d) => <tr key={d.domain}><th scope="row"><Name>{d.domain}</Name></th><td><Sev level={d.state === 'published' || d.state === 'manual' ? 'ok' : ['failed', 'lagging', 'manual-differs'].includes(d.state) ? 'warn' : 'note'}>{word('dnsState', d.state)}</Sev><div class="xs muted">{d.why}</div></td><td class="opt-md"><code>{d.record}</code></td><td class="num opt-md"><Time iso={d.lastPublished} /></td></tr>)}</tbody></table></div></div>}
            {asks && <Confirm title={t(asks === 'publish' ? 'dns.publish.title' : 'dns.withdraw.title')} danger={asks === 'withdraw'} act={asks === 'publish' ? t('dns.publishN', { n }) : t('dns.withdraw')} busy={act.busy} problem={act.problem} run={() => run(asks)} close={() => setAsks(undefined)}><p>{t(asks === 'publish' ? 'dns.publish.detail' : 'dns.withdraw.detail')}</p></Confirm>}
        </section>
    );
}

function Targets({ rows }: { rows: DnsTarget[] }) {
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('dns.watch') })}><table class="tall watch"><thead><tr><th scope="col">{t('dns.target')}</th><th scope="col">{t('dns.verdict')}</th><th scope="col" class="opt-md">{t('dns.resolves')}</th><th scope="col" class="opt-md">{t('dns.port')}</th><th scope="col" class="opt-md">{t('dns.kms')}</th><th scope="col" class="num">{t('dns.firstSeen')}</th></tr></thead>
            <tbody>{rows.map((r) => <tr key={`${r.domain} ${r.target} ${r.port}`}><th scope="row"><bdi>{r.target || t('dns.wholeDomain')}</bdi>{r.port > 0 && r.port !== 1688 && `:${r.port}`}<div class="xs muted"><bdi>{r.domain}</bdi></div></th>
                <td><Sev level={verdicts[r.verdict] ?? 'note'}>{word('verdict', r.verdict)}</Sev>{(r.evidence || r.advice) && <div class="xs muted"><bdi>{r.evidence}</bdi> {r.advice}</div>}</td>
                <td class="opt-md">{(r.addresses ?? []).join(', ') || <span class="dim">{r.resolves || '–'}</span>}</td><td class="opt-md">{word('tried', r.open)}</td><td class="opt-md">{word('tried', r.kms)}</td><td class="num"><Time iso={r.firstSeen} /></td></tr>)}</tbody></table></div>
    );
}

function Watch({ change }: { change: () => void }) {
    const { session } = useSession();
    const list = useResource(useCallback((signal: AbortSignal) => get<List<DnsTarget>>('/dns/targets', {}, signal), []));
    const act = useAct();
    return (
        <section aria-labelledby="w1"><div class="head"><h2 id="w1">{t('dns.watch')}</h2><span class="muted sm">{t('dns.watch.what')}</span><button class="btn gap" type="button" disabled={act.busy || !may(session, 'operator')} onClick={() => void act.run(async () => { await send('POST', '/dns/check', {}); list.reload(); change(); })}>{act.busy ? t('wait.moment') : t('act.refresh')}</button></div>
            {list.problem && <Trouble problem={list.problem} again={list.reload} />}{act.problem && <Trouble problem={act.problem} />}
            {list.data && (list.data.items.length === 0 ? <Empty title={t('dns.noTargets')}><p>{t('dns.noTargets.detail')}</p></Empty> : <Targets rows={list.data.items} />)}
        </section>
    );
}

function History() {
    const list = useResource(useCallback((signal: AbortSignal) => get<List<DnsTarget>>('/dns/history', {}, signal), []));
    if (list.problem) return <Trouble problem={list.problem} again={list.reload} />;
    if (list.data?.items.length === 0) return <Empty title={t('dns.noHistory')}><p>{t('dns.noTargets.detail')}</p></Empty>;
    return (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('dns.history') })}><table class="tall"><thead><tr><th scope="col">{t('dns.target')}</th><th scope="col">{t('dns.verdict')}</th><th scope="col" class="num">{t('dns.firstSeen')}</th><th scope="col" class="num">{t('dns.lastSeen')}</th></tr></thead>
            <tbody>{list.data?.items.map((r) => <tr key={`${r.domain} ${r.target} ${r.port}`}><th scope="row"><bdi>{r.target}</bdi><div class="xs muted">{r.domain}</div></th><td>{(r.changes ?? []).map((c, i) => <div key={i} class="row"><Sev level={verdicts[c.verdict] ?? 'note'}>{word('verdict', c.verdict)}</Sev><span class="xs muted"><Time iso={c.at} /></span></div>)}</td><td class="num"><Time iso={r.firstSeen} /></td><td class="num"><Time iso={r.lastSeen} /></td></tr>)}</tbody></table></div>
    );
}

function Snippets() {
    const [server, setServer] = useState('bind');
    const text = useResource(useCallback((signal: AbortSignal) => getText('/dns/snippets', { server }, signal), [server]));
    return (
        <section aria-labelledby="s1"><h2 class="vh" id="s1">{t('dns.snippets')}</h2><p class="lede">{t('dns.snippets.what')}</p>
            <div class="wform spaced"><Labelled label={t('dns.nameServer')}>{(ids) => <select {...ids} value={server} onChange={(e) => setServer(e.currentTarget.value)}>{servers.map((s) => <option key={s} value={s}>{word('dnsServer', s)}</option>)}</select>}</Labelled></div>
            {text.problem && <Trouble problem={text.problem} again={text.reload} />}
            {text.data !== undefined && <div class="cmd spaced" tabIndex={0} role="region" aria-label={t('dns.snippets')}><pre class="pre">{text.data}</pre><CopyButton text={text.data} label={t('dns.copySnippet')} /></div>}
        </section>
    );
}

function Keys() {
    const { session } = useSession();
    const operator = may(session, 'operator');
    const admin = may(session, 'admin');
    const list = useResource(useCallback((signal: AbortSignal) => (operator ? get<List<DnsKey>>('/dns/keys', {}, signal) : Promise.resolve({ items: [], next: null })), [operator]));
    const [adding, setAdding] = useState(false);
    const [removing, setRemoving] = useState('');
    const [name, setName] = useState('');
    const [secret, setSecret] = useState('');
    const act = useAct();
    const add = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            await send('POST', '/dns/keys', { name: name.trim(), file: secret.trim() });
            setAdding(false);
            setName('');
            setSecret('');
            list.reload();
        });
    };
    return (
        <section aria-labelledby="k1"><div class="head"><h2 id="k1">{t('dns.keys')}</h2><span class="muted sm">{t('dns.keys.what')}</span><button class="btn gap" type="button" disabled={!admin} onClick={() => { act.clear(); setAdding(true); }}><Icon name="plus" />{t('dns.addKey')}</button></div>
            {list.problem && <Trouble problem={list.problem} again={list.reload} />}
            {list.data?.items.length === 0 ? <p class="muted">{operator ? t('dns.noKeys') : t('act.needs', { role: word('role', 'operator') })}</p>
                : <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('dns.keys') })}><table><thead><tr><th scope="col">{t('dns.keyName')}</th><th scope="col">{t('dns.algorithm')}</th><th scope="col">{t('dns.usedBy')}</th><th scope="col"><span class="vh">{t('act.remove')}</span></th></tr></thead>
                    <tbody>{list.data?.items.map((k) => <tr key={k.name}><th scope="row"><code>{k.name}</code></th><td>{k.algorithm}</td><td>{k.problem ? <Sev level="warn">{k.problem}</Sev> : k.usedBy.join(', ') || <span class="dim">–</span>}</td><td class="num"><button class="btn bare" type="button" disabled={!admin} onClick={() => { act.clear(); setRemoving(k.name); }}>{t('act.remove')}<span class="vh"> {k.name}</span></button></td></tr>)}</tbody></table></div>}
            {adding && <Dialog title={t('dns.addKey')} close={() => setAdding(false)}><form onSubmit={add}>
                <Labelled label={t('dns.keyName')}>{(ids) => <input {...ids} type="text" required spellcheck={false} autocapitalize="none" value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('dns.secret')} help={t('dns.secret.help')}>{(ids) => <textarea {...ids} required rows={5} class="mono" autocomplete="off" spellcheck={false} value={secret} onInput={(e) => setSecret(e.currentTarget.value)} />}</Labelled>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={() => setAdding(false)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('dns.addKey')}</button></div></form></Dialog>}
            {removing && <Confirm title={t('dns.removeKey', { name: removing })} act={t('dns.removeKey', { name: removing })} busy={act.busy} problem={act.problem} close={() => setRemoving('')} run={() => void act.run(async () => { await send('DELETE', `/dns/keys/${part(removing)}`); setRemoving(''); list.reload(); })}><p>{t('dns.removeKey.detail')}</p></Confirm>}
        </section>
    );
}

/** What a new client would do, step by step. */
function AsClient() {
    const { session } = useSession();
    const [suffix, setSuffix] = useState('');
    const [as, setAs] = useState('win7');
    const [view, setView] = useState<DnsView>();
    const act = useAct();
    const look = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => setView(await send<DnsView>('POST', '/dns/view', { as, ...(suffix.trim() ? { suffix: [suffix.trim()] } : {}) })));
    };
    const level = { ok: 'ok', note: 'note', failed: 'crit', skipped: 'note' } as const;
    return (
        <section><h2 class="mb2">{t('dns.client')}</h2>
            <form onSubmit={look}><Labelled label={t('wizard.suffix')}>{(ids) => <input {...ids} type="text" spellcheck={false} autocapitalize="none" placeholder="corp.example" value={suffix} onInput={(e) => setSuffix(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('dns.clientKind')}>{(ids) => <select {...ids} value={as} onChange={(e) => setAs(e.currentTarget.value)}><option value="win7">{t('dns.win7')}</option><option value="vista">{t('dns.vista')}</option></select>}</Labelled>
                <p class="spaced"><button class="btn" type="submit" disabled={act.busy || !may(session, 'operator')}><Icon name="search" />{act.busy ? t('wait.moment') : t('dns.seeAs')}</button></p></form>
            {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {view && <div class="spaced" role="status"><p><b>{view.conclusion}</b></p>
                <ol class="may spaced2">{view.steps.map((s, i) => { const l = s.status in level ? level[s.status as keyof typeof level] : 'note'; return <li key={i}><span class={l}><Icon name={l} /></span><span><code class="anywhere">{s.subject}</code>: {s.text}{s.windows && <><br /><span class="muted">{s.code} {s.windows}</span></>}</span></li>; })}</ol>
                {view.candidates.length > 0 && <table class="spaced2"><thead><tr><th scope="col">{t('dns.target')}</th><th scope="col" class="num">{t('dns.share')}</th></tr></thead><tbody>{view.candidates.map((c) => <tr key={`${c.target}:${c.port}`}><th scope="row"><Name>{c.target}</Name></th><td class="num">{c.share}</td></tr>)}</tbody></table>}</div>}
        </section>
    );
}

export default function Dns({ query }: PageProps) {
    const { facts, reload } = useHealth();
    const view = query.get('view') ?? 'plan';
    useTitle(t('nav.dns'));
    const tabs = [['plan', t('dns.plan'), facts?.domains.length], ['watch', t('dns.watch'), facts?.targets.length], ['history', t('dns.history'), undefined], ['snippets', t('dns.snippets'), undefined], ['keys', t('dns.keys'), undefined]] as const;
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.dns')}</h1>{facts && <span class="muted sm">{t('dns.sum', { n: facts.domains.length })}</span>}</div>
            <nav class="tabs" aria-label={t('nav.dns')}>{tabs.map(([id, title, n]) => <a key={id} href={id === 'plan' ? '/dns' : `/dns?view=${id}`} aria-current={view === id ? 'true' : undefined}>{title}<TabCount n={n} /></a>)}</nav>
            {view === 'watch' ? <Watch change={reload} /> : view === 'history' ? <History /> : view === 'snippets' ? <Snippets /> : view === 'keys' ? <Keys /> : <Plan change={reload} />}
        </div><aside class="margin" aria-label={t('dns.client')}><AsClient />
            <section><h2 class="mb2">{t('wizard.help.dns')}</h2><p class="muted">{t('wizard.help.dns.text')} <code>slmgr.vbs /ckms</code> {t('dns.ckms')}</p></section></aside></div>
    );
}
