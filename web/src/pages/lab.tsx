/** The lab: which keys it plays with, and what to run against it. */
import { useCallback, useState } from 'preact/hooks';
import { get, part, send, sendText } from '../api/client';
import { may, useSession } from '../api/session';
import type { Lab as LabState, LabKey, List } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { number, t, word } from '../i18n';
import { Command, Empty, Labelled, Sev, Time, Trouble, useTitle } from '../ui/bits';
import { Confirm } from '../ui/dialog';
import { length } from '../ui/format';
import { Icon } from '../ui/icons';
import { SealKey } from '../ui/seal';
import { Tally } from '../ui/tally';
import { toast } from '../ui/toast';

const families = [['win7-2008r2', 'Windows 7, Server 2008 R2'], ['vista-2008', 'Windows Vista, Server 2008']] as const;

/** Where another machine reaches it: what listens on all addresses is reached as this page was. */
function seen(listening: string): string {
    return listening.replace(/^(0\.0\.0\.0|\[::\]):/, `${location.hostname}:`);
}

export default function Lab() {
    const { session } = useSession();
    const { facts } = useHealth();
    useTitle(t('nav.lab'));
    const mode = facts?.status.mode ?? session.mode;
    if (mode !== 'lab') return <div class="work"><h1>{t('nav.lab')}</h1><Empty title={t('lab.notHere')}><p>{t('lab.notHere.detail')}</p><p><a href="/setup">{t('system.changeMode')}</a></p></Empty></div>;
    return <Playing />;
}

function Playing() {
    const { session } = useSession();
    const { facts } = useHealth();
    const admin = may(session, 'admin');
    const lab = useResource(useCallback((signal: AbortSignal) => get<LabState>('/lab', {}, signal), []), 5000);
    const keys = useResource(useCallback((signal: AbortSignal) => get<List<LabKey>>('/keys', {}, signal), []));
    const [family, setFamily] = useState<string>('win7-2008r2');
    const [group, setGroup] = useState('client');
    const [typed, setTyped] = useState('');
    const [removing, setRemoving] = useState<LabKey>();
    const act = useAct();
    const change = () => {
        keys.reload();
        lab.reload();
    };
    const issue = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            const key = (await sendText('POST', '/lab/keys', { family, group })).trim();
            await send('POST', '/keys', { key });
            toast(t('lab.installed', { key }));
            change();
        });
    };
    const install = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            await send('POST', '/keys', { key: typed.trim() });
            setTyped('');
            change();
        });
    };
    const s = lab.data;
    const listening = facts?.status.listening[0] ?? '127.0.0.1:1688';
    const host = `--host ${seen(listening)} --seal-key-file seal.key`;
    const scenarios = [
        ['lab.play.activate', `muster-client ${host} --clients 30`], ['lab.play.clones', `muster-client ${host} --clients 40 --duplicate-cmid 40 --once`],
        ['lab.play.short', `muster-client ${host} --clients 18 --once`], ['lab.play.skew', `muster-client ${host} --clients 3 --skew 6h --once`], ['lab.play.virtual', `muster-client ${host} --clients 30 --virtual 26 --once`],
    ] as const;
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.lab')}</h1><span class="muted sm">{t('lab.what')}</span></div>
            {lab.problem && <Trouble problem={lab.problem} again={lab.reload} />}
            {s && <section class="now" aria-labelledby="nw"><div class="nowgrid"><div><p class="row sm"><Sev level="lab">{t('lab.bar')}</Sev><span class="muted">{t('lab.since', { granted: s.granted, refused: s.refused })}</span></p>
                <h2 id="nw" class="lg2">{s.keysInForce === 0 ? t('lab.noKey') : s.currentCount === 0 ? t('lab.nobody') : s.currentCount < 25 ? t('lab.short', { count: s.currentCount, n: 25 - s.currentCount }) : t('lab.enough', { count: s.currentCount })}</h2>
                {s.realClients > 0 && <p class="spaced2"><Sev level="warn">{t('lab.real', { n: s.realClients })}</Sev></p>}</div>
                <div class="labroll"><p class="count">{number(s.currentCount)} <small>{t('overview.ofCounted', { n: 25 })}</small></p><Tally counted={s.currentCount} needed={25} /></div></div></section>}
            <section class="sect" aria-labelledby="lk"><div class="head"><h2 id="lk">{t('lab.keys')}</h2><span class="muted sm">{t('lab.keys.what')}</span></div>
                {keys.problem && <Trouble problem={keys.problem} again={keys.reload} />}
                {keys.data?.items.length === 0 && <Empty title={t('lab.noKey')}><p>{t('lab.noKey.detail')}</p></Empty>}
                {keys.data && keys.data.items.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('lab.keys') })}><table class="lt"><thead><tr><th scope="col">{t('lab.plays')}</th><th scope="col">{t('lab.state')}</th><th scope="col" class="opt-md">{t('lab.key')}</th><th scope="col" class="num opt-md">{t('lab.covers')}</th><th scope="col" class="num opt-md">{t('lab.installedAt')}</th><th scope="col"><span class="vh">{t('act.remove')}</span></th></tr></thead>
                    <tbody>{keys.data.items.map((k) => <tr key={k.key}><th scope="row">{k.name || k.family}<div class="xs muted">{k.family}, {k.group}</div></th><td>{k.inForce ? <Sev level="ok">{t('lab.inForce')}</Sev> : <Sev level="note">{t('lab.waits')}</Sev>}</td><td class="opt-md"><code class="nowrap">{k.key}</code></td><td class="num opt-md">{number(k.covers)}</td><td class="num opt-md"><Time iso={k.installed} /></td><td class="num"><button class="btn bare" type="button" disabled={!admin} onClick={() => { act.clear(); setRemoving(k); }}>{t('act.remove')}<span class="vh"> {k.key}</span></button></td></tr>)}</tbody></table></div>}
                <div class="cols spaced5">
                    <form onSubmit={issue} class="stack"><Labelled label={t('lab.family')}>{(ids) => <select {...ids} value={family} onChange={(e) => setFamily(e.currentTarget.value)}>{families.map(([id, name]) => <option key={id} value={id}>{name}</option>)}</select>}</Labelled>
                        <Labelled label={t('lab.group')} help={t('lab.group.help')}>{(ids) => <select {...ids} value={group} onChange={(e) => setGroup(e.currentTarget.value)}>{['client', 'A', 'B', 'C'].map((g) => <option key={g} value={g}>{word('group', g)}</option>)}</select>}</Labelled>
                        <p><button class="btn go" type="submit" disabled={!admin || act.busy}><Icon name="plus" />{t('lab.issue')}</button></p></form>
                    <form onSubmit={install} class="stack"><Labelled label={t('lab.enter')} help={t('lab.enter.help')}>{(ids) => <input {...ids} type="text" required spellcheck={false} autocapitalize="characters" placeholder="LAB-…" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />}</Labelled><p><button class="btn" type="submit" disabled={!admin || act.busy}>{t('lab.install')}</button></p></form></div>
                {!admin && <p class="xs muted">{t('act.needs', { role: word('role', 'admin') })}</p>}
                {act.problem && !removing && <div class="spaced"><Trouble problem={act.problem} /></div>}</section>
            <section class="sect" aria-labelledby="ls"><div class="head"><h2 id="ls">{t('lab.scenarios')}</h2><span class="muted sm">{t('lab.scenarios.what')}</span></div>
                <SealKey admin={admin} />
                <dl class="stack spaced2">{scenarios.map(([title, command]) => [<dt key={title}><b>{t(title)}</b></dt>, <dd key={`${title}d`}><Command text={command} /></dd>])}</dl></section>
        </div><aside class="margin" aria-label={t('lab.host')}>
            <section><h2 class="mb2">{t('lab.host')}</h2>{s && <dl class="kv"><dt>{t('lab.listens')}</dt><dd>{facts?.status.listening.join(', ')}</dd><dt>{t('lab.activation')}</dt><dd>{length(s.activationInterval * 60)}</dd><dt>{t('lab.renewal')}</dt><dd>{length(s.renewalInterval * 60)}</dd><dt>ePID</dt><dd><code>{keys.data?.items[0]?.epid ?? '–'}</code></dd><dt>{t('lab.seal')}</dt><dd>{t('lab.seal.text')}</dd></dl>}</section>
            <section><h2 class="mb2">{t('lab.realQ')}</h2><p class="muted">{t('lab.real.text')}</p></section></aside>
            {removing && <Confirm title={t('lab.remove.title', { name: removing.name || removing.family })} act={t('lab.remove.act')} busy={act.busy} problem={act.problem} close={() => setRemoving(undefined)} run={() => void act.run(async () => { await send('DELETE', `/keys/${part(removing.key)}`); const key = removing.key; setRemoving(undefined); toast(t('lab.removed'), () => void send('POST', '/keys', { key }).then(change)); change(); })}><p>{t('lab.remove.detail')}</p></Confirm>}
        </div>
    );
}
