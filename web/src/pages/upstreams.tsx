/** The licensed hosts behind this appliance: how each is, why, and what to do about it. */
import { useCallback, useState } from 'preact/hooks';
import { get, part, send } from '../api/client';
import { may, useSession } from '../api/session';
import type { Json, List, Reading, Upstream } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { go, setQuery } from '../app/router';
import { number, t, word } from '../i18n';
import type { PageProps } from '.';
import { Callout, Empty, Labelled, Name, Sev, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Confirm, Dialog } from '../ui/dialog';
import { Icon } from '../ui/icons';
import { CountChart, type Sample } from '../ui/count-chart';
import { toast } from '../ui/toast';
import { conditionOf } from './upstream-state';

const levels: Record<string, 'crit' | 'warn' | 'note'> = { critical: 'crit', error: 'crit', warning: 'warn', information: 'note' };

function Readings({ list }: { list: Reading[] }) {
    return (
        <>{list.map((r) => (
            <div class="spaced" key={r.code + r.text}><Callout level={levels[r.severity] ?? 'note'} title={<bdi>{r.text}</bdi>}>
                {r.remedy && <p>{r.remedy}</p>}
                <p class="xs muted">{word('certainty', r.certainty)}{r.since && <> · <Time iso={r.since} /></>}</p>
                {r.evidence && r.evidence.length > 0 && <details class="sm"><summary>{t('upstreams.evidence')}</summary><ul class="bullets spaced2">{r.evidence.map((e, i) => <li key={i}><bdi>{e.text}</bdi>{e.time && <span class="muted"> <Time iso={e.time} /></span>}</li>)}</ul></details>}
            </Callout></div>))}</>
    );
}

interface EditProps {
    upstream?: Upstream | undefined;
    close: () => void;
    done: (name: string) => void;
}

/** Add, or change what is named. */
function Edit({ upstream, close, done }: EditProps) {
    const [address, setAddress] = useState(upstream?.address ?? '');
    const [name, setName] = useState(upstream?.name ?? '');
    const [priority, setPriority] = useState(String(upstream?.priority ?? 0));
    const [versions, setVersions] = useState(upstream?.versions.join(', ') ?? '');
    const [families, setFamilies] = useState(upstream?.families.join(', ') ?? '');
    const [virtual, setVirtual] = useState(upstream?.countsVirtual ?? 'unknown');
    const act = useAct();
    const error = (field: string): string | undefined => {
        const found = act.problem?.errors.find((e) => e.name === field);
        return found ? t('problem.finding', { found: found.found, allowed: found.allowed }) : undefined;
    };
    const words = (text: string): string[] => text.split(',').map((x) => x.trim()).filter(Boolean);
    const submit = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            const body: Record<string, Json> = { address: address.trim(), priority: Number(priority) || 0, countsVirtual: virtual };
            if (upstream || words(families).length > 0) body['families'] = words(families);
            if (upstream || words(versions).length > 0) body['versions'] = words(versions).map(Number);
            let made: Upstream;
            if (upstream) {
                if (name.trim() !== upstream.name) body['rename'] = name.trim();
                if (address.trim() === upstream.address) delete body['address'];
                made = await send<Upstream>('PATCH', `/upstreams/${part(upstream.name)}`, body);
            } else made = await send<Upstream>('POST', '/upstreams', { ...body, ...(name.trim() ? { name: name.trim() } : {}) });
            done(made.name);
        });
    };
    return (
        <Dialog title={upstream ? t('upstreams.edit.title', { name: upstream.name }) : t('upstreams.add')} close={close}>
            <form onSubmit={submit}>
                <Labelled label={t('upstreams.address')} help={t('wizard.hosts.hand.help')} error={error('address')}>{(ids) => <input {...ids} type="text" required spellcheck={false} autocapitalize="none" value={address} onInput={(e) => setAddress(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('upstreams.name')} help={upstream ? undefined : t('upstreams.name.help')} error={error('name') ?? error('rename')}>{(ids) => <input {...ids} type="text" required={upstream !== undefined} maxLength={64} spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('upstreams.priority')} help={t('upstreams.priority.help')} error={error('priority')}>{(ids) => <input {...ids} type="number" min={0} max={65535} value={priority} onInput={(e) => setPriority(e.currentTarget.value)} />}</Labelled>
                <details class="spaced"><summary>{t('upstreams.more')}</summary><div class="spaced">
                    <Labelled label={t('upstreams.families')} help={t('upstreams.families.help')} error={error('families')}>{(ids) => <input {...ids} type="text" spellcheck={false} placeholder="vista-2008, win7-2008r2" value={families} onInput={(e) => setFamilies(e.currentTarget.value)} />}</Labelled>
                    <Labelled label={t('upstreams.versions')} help={t('upstreams.versions.help')} error={error('versions')}>{(ids) => <input {...ids} type="text" inputMode="numeric" placeholder="4, 5, 6" value={versions} onInput={(e) => setVersions(e.currentTarget.value)} />}</Labelled>
                    <Labelled label={t('upstreams.virtual')} help={t('upstreams.virtual.help')}>{(ids) => <select {...ids} value={virtual} onChange={(e) => setVirtual(e.currentTarget.value as Upstream['countsVirtual'])}>{(['yes', 'no', 'unknown'] as const).map((x) => <option key={x} value={x}>{word('yesno', x)}</option>)}</select>}</Labelled></div></details>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={close}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{act.busy ? t('wait.moment') : upstream ? t('upstreams.save', { name: upstream.name }) : t('upstreams.addTest')}</button></div>
            </form>
        </Dialog>
    );
}

/** What adding it takes, so that what was removed can come back as it was. */
export function asAdded(u: Upstream): Record<string, Json> {
    return {
        address: u.address, name: u.name, priority: u.priority, weight: u.weight, countsVirtual: u.countsVirtual,
        ...(u.families.length > 0 ? { families: u.families } : {}), ...(u.versions.length > 0 ? { versions: u.versions } : {}),
    };
}

const isRecord = (v: Json | undefined): v is Record<string, Json> => typeof v === 'object' && v !== null && !Array.isArray(v);

function Learned({ learned }: { learned: Record<string, Json> }) {
    const num = (key: string) => (typeof learned[key] === 'number' ? (learned[key]) : undefined);
    const median = num('medianMs');
    const p99 = num('p99Ms');
    const epids = Array.isArray(learned['epids']) ? learned['epids'].filter(isRecord) : [];
    const newest = epids[epids.length - 1];
    const sealed = num('sealedAddresses') ?? 0;
    return (
        <>
            {median !== undefined && p99 !== undefined && <><dt>{t('upstreams.answerTime')}</dt><dd>{t('upstreams.times', { median: t('time.ms', { n: Math.round(median) }), p99: t('time.ms', { n: Math.round(p99) }) })}</dd></>}
            {newest && <><dt>{t('upstreams.key')}</dt><dd><bdi>{String(newest['readsAs'])}</bdi> <span class="dim">{t('upstreams.noProof')}</span></dd><dt>ePID</dt><dd><code>{String(newest['epid'])}</code></dd></>}
            {sealed > 0 && <><dt>{t('overview.sealed.title')}</dt><dd>{t('upstreams.sealedN', { n: sealed })}</dd></>}
        </>
    );
}

function One({ upstream, change, detail }: { upstream: Upstream; change: () => void; detail: boolean }) {
    const { session } = useSession();
    const operator = may(session, 'operator');
    const admin = may(session, 'admin');
    const [editing, setEditing] = useState(false);
    const [removing, setRemoving] = useState(false);
    const act = useAct();
    const shown = useResource(useCallback((signal: AbortSignal) => get<Upstream>(`/upstreams/${part(upstream.name)}`, {}, signal), [upstream.name]), 30_000);
    const counts = useResource(useCallback((signal: AbortSignal) => get<List<Sample>>(`/upstreams/${part(upstream.name)}/counts`, {}, signal), [upstream.name]));
    const u = upstream;
    const c = conditionOf(u);
    const reloadShown = shown.reload;
    const run = (path: string, words: string, undo?: string) => void act.run(async () => {
        await send('POST', `/upstreams/${part(u.name)}/${path}`);
        toast(words, undo ? () => void send('POST', `/upstreams/${part(u.name)}/${undo}`).then(change) : undefined);
        reloadShown();
        change();
    });
    const learned = shown.data?.learned;
    const samples = counts.data?.items ?? [];
    const needed = Array.isArray(learned?.['counts']) && isRecord(learned['counts'][0]) && typeof learned['counts'][0]['needed'] === 'number' ? learned['counts'][0]['needed'] : 25;
    const readings = shown.data?.readings ?? [];
    return (
        <article class="ups" aria-labelledby={`u-${u.name}`}>
            <div class="head"><h2 id={`u-${u.name}`}>{detail ? <Name>{u.name}</Name> : <a class="plain" href={`/upstreams/${part(u.name)}`}><Name>{u.name}</Name></a>}</h2><Sev level={c.level}>{c.word}</Sev>
                <span class="gap row">
                    <button class="btn" type="button" disabled={!operator || act.busy || u.state === 'maintenance'} onClick={() => run('check', t('upstreams.checked', { name: u.name }))}>{act.busy ? t('wait.moment') : t('upstreams.check')}<span class="vh"> {u.name}</span></button>
                    {u.state === 'active' ? <button class="btn bare" type="button" disabled={!operator} onClick={() => run('drain', t('upstreams.drained', { name: u.name }), 'activate')}>{t('upstreams.drain')}<span class="vh"> {u.name}</span></button>
                        : <button class="btn" type="button" disabled={!operator} onClick={() => run('activate', t('upstreams.activated', { name: u.name }))}>{t('upstreams.activate')}<span class="vh"> {u.name}</span></button>}
                    {u.state !== 'maintenance' && <button class="btn bare" type="button" disabled={!operator} onClick={() => run('rest', t('upstreams.rested', { name: u.name }), 'activate')}>{t('upstreams.rest')}<span class="vh"> {u.name}</span></button>}
                    <button class="btn bare" type="button" disabled={!admin || u.discoveredIn !== ''} onClick={() => setEditing(true)}>{t('upstreams.edit')}<span class="vh"> {u.name}</span></button>
                    <button class="btn bare" type="button" disabled={!admin || u.discoveredIn !== ''} onClick={() => { act.clear(); setRemoving(true); }}>{t('act.remove')}<span class="vh"> {u.name}</span></button></span></div>
            <p class="lede"><bdi>{u.why.charAt(0).toUpperCase() + u.why.slice(1)}.</bdi></p>
            {act.problem && !removing && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {u.condition === 'down' && u.state === 'active' && <div class="spaced"><Callout level="warn" title={t('upstreams.down.title')}><p>{t('upstreams.down.detail', { address: u.address })}</p></Callout></div>}
            <Readings list={detail ? readings : readings.filter((r) => r.severity !== 'information')} />
            <div class="upsgrid"><dl class="kv">
                <dt>{t('upstreams.address')}</dt><dd>{u.address}{u.addresses.length > 0 && u.addresses[0] !== u.address && <span class="dim"> {u.addresses.join(', ')}</span>}</dd>
                <dt>{t('upstreams.serves')}</dt><dd>{u.families.length > 0 || u.versions.length > 0 ? [...u.families, ...u.versions.map((v) => `v${v}`)].join(', ') : t('upstreams.all')}</dd>
                <dt>{t('upstreams.priority')}</dt><dd>{number(u.priority)}</dd>
                <dt>{t('upstreams.requests')}</dt><dd>{t('upstreams.asked', { asked: u.asked, answers: u.answers, failures: u.failures })}</dd>
                {learned && <Learned learned={learned} />}
                <dt>{t('upstreams.virtual')}</dt><dd>{word('yesno', u.countsVirtual)}</dd>
                {u.discoveredIn && <><dt>{t('upstreams.from')}</dt><dd>{t('upstreams.fromDns', { domain: u.discoveredIn })}</dd></>}
                {u.stateBy && <><dt>{t('upstreams.state')}</dt><dd>{t('upstreams.stateBy', { who: u.stateBy })} <Time iso={u.stateSince} /></dd></>}</dl>
                {samples.length > 0 && <CountChart samples={samples} needed={needed} />}</div>
            {editing && <Edit upstream={u} close={() => setEditing(false)} done={(name) => { setEditing(false); change(); if (detail && name !== u.name) go(`/upstreams/${part(name)}`, true); }} />}
            {removing && <Confirm title={t('upstreams.remove.title', { name: u.name })} act={t('upstreams.removeIt', { name: u.name })} busy={act.busy} problem={act.problem} close={() => setRemoving(false)}
                run={() => void act.run(async () => { await send('DELETE', `/upstreams/${part(u.name)}`); setRemoving(false); toast(t('upstreams.removed', { name: u.name }), () => void send('POST', '/upstreams', asAdded(u)).then(change, change)); change(); if (detail) go('/upstreams', true); })}><p>{t('upstreams.remove.detail')}</p></Confirm>}
        </article>
    );
}

export default function Upstreams({ params, query }: PageProps) {
    const { session } = useSession();
    const { facts, reload: health } = useHealth();
    const mode = facts?.status.mode ?? session.mode;
    const relay = mode === 'relay';
    const list = useResource(useCallback((signal: AbortSignal) => (relay ? get<List<Upstream>>('/upstreams', {}, signal) : Promise.resolve({ items: [], next: null })), [relay]), 5000);
    const [found, setFound] = useState('');
    const act = useAct();
    const items = list.data?.items ?? [];
    const wanted = params['name'];
    const admin = may(session, 'admin');
    const adding = query.get('add') === '1' && relay;
    const reload = list.reload;
    const change = useCallback(() => {
        reload();
        health();
    }, [reload, health]);
    useTitle(wanted ?? t('nav.upstreams'));
    const discover = () => void act.run(async () => {
        const rounds = await send<List<{ domain: string; found: number; problem: string }>>('POST', '/upstreams/discover');
        setFound(rounds.items.length === 0 ? t('upstreams.discover.none') : rounds.items.map((r) => `${r.domain}: ${r.problem || t('upstreams.discover.found', { n: r.found })}`).join(' '));
        change();
    });
    const shown = wanted ? items.filter((u) => u.name === wanted) : items;
    return (
        <div class="page with-margin"><div class="work">
            {wanted && <p class="xs mb2"><a href="/upstreams" class="row inline"><Icon name="left" />{t('overview.allUpstreams')}</a></p>}
            <div class="head"><h1 class={wanted ? 'vh' : undefined}>{wanted ?? t('nav.upstreams')}</h1>{!wanted && relay && list.data && <span class="muted sm">{t('upstreams.sum', { n: items.length })}</span>}
                {!wanted && relay && <span class="gap row"><button class="btn" type="button" disabled={!may(session, 'operator') || act.busy} onClick={discover}><Icon name="search" /><span class="vh-sm">{act.busy ? t('wait.moment') : t('upstreams.discover')}</span></button>
                    <button class="btn go" type="button" disabled={!admin} onClick={() => setQuery({ add: '1' })}><Icon name="plus" />{t('upstreams.add')}</button></span>}</div>
            {!admin && relay && <p class="xs muted mb2">{t('upstreams.needs', { role: word('role', 'admin') })}</p>}
            {found && <div class="mb"><Callout level="note" title={t('upstreams.discover.title')}><p>{found}</p></Callout></div>}
            {act.problem && <div class="mb"><Trouble problem={act.problem} /></div>}
            {list.problem && <Trouble problem={list.problem} again={reload} />}
            {!relay && <Empty title={t('upstreams.notHere')}><p>{t('upstreams.notHere.detail')}</p></Empty>}
            {relay && list.data && items.length === 0 && <Empty title={t('alarm.noUpstream')}><p>{t('alarm.noUpstream.detail')}</p><p class="row"><button class="btn go" type="button" disabled={!admin} onClick={() => setQuery({ add: '1' })}>{t('upstreams.add')}</button></p></Empty>}
            {relay && wanted && list.data && shown.length === 0 && <Empty title={t('upstreams.gone', { name: wanted })}><p><a href="/upstreams">{t('overview.allUpstreams')}</a></p></Empty>}
            {!list.data && !list.problem && <Waiting />}
            {shown.map((u) => <One key={u.name} upstream={u} change={change} detail={wanted !== undefined} />)}
        </div>
            <aside class="margin" aria-label={t('upstreams.help')}>
                <section><h2 class="mb2">{t('upstreams.help.one')}</h2><p class="muted">{t('upstreams.help.one.text')}</p></section>
                <section><h2 class="mb2">{t('upstreams.help.duty')}</h2><p class="muted">{t('upstreams.help.duty.text')}</p></section>
                <section><h2 class="mb2">{t('upstreams.help.reading')}</h2><p class="muted">{t('upstreams.help.reading.text')}</p></section></aside>
            {adding && <Edit close={() => setQuery({ add: undefined })} done={(name) => { setQuery({ add: undefined }); change(); void send('POST', `/upstreams/${part(name)}/check`).then(change, change); }} />}
        </div>
    );
}
