/** The machines that Muster knows: a page of a million rows, and one of them in full beside it. */
import { useCallback, useMemo, useState } from 'preact/hooks';
import { address, get, part, send, type Query } from '../api/client';
import { may, useSession } from '../api/session';
import type { Client, ClientShow, Event } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { go, setQuery } from '../app/router';
import { number, t, tr, word } from '../i18n';
import type { PageProps } from '.';
import { Callout, Chip, Command, Empty, Guid, Name, Search, Sev, TabCount, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Confirm } from '../ui/dialog';
import { Drawer } from '../ui/drawer';
import { length } from '../ui/format';
import { Icon } from '../ui/icons';
import { clientQuery } from '../ui/search';
import { ColumnChoice, Pager, Table, usePaged, type Column } from '../ui/table';
import { toast } from '../ui/toast';
import { standingOf } from './client-state';
import { resultOf } from './requests';
import { deleteView, saveView, views } from './views';

const pageSize = 50;
const statuses = ['licensed', 'initial-grace', 'additional-grace', 'extended-grace', 'non-genuine', 'notification', 'unlicensed'];
const filters = ['status', 'product', 'upstream', 'virtual', 'shared', 'since'] as const;
const defaultColumns = ['status', 'product', 'cmid', 'address', 'upstream', 'count', 'seen'];

const rowId = (c: Client): string => `${c.cmid} ${c.machine} ${c.countedId}`;

function columns(link: (c: Client) => string): Column<Client>[] {
    return [
        { id: 'machine', title: t('clients.machine'), sort: 'name', cell: (c) => <><a href={link(c)}><Name>{c.machine}</Name></a><span class="sub"><bdi>{c.product}</bdi></span></> },
        { id: 'status', title: t('clients.status'), cell: (c) => { const s = standingOf(c); return <Sev level={s.level}>{s.word}</Sev>; } },
        { id: 'product', title: t('clients.product'), drop: 'ca', cell: (c) => <Name>{c.product}</Name> },
        { id: 'cmid', title: 'CMID', drop: 'cb', sort: 'cmid', cell: (c) => <Guid value={c.cmid} /> },
        { id: 'address', title: t('clients.address'), drop: 'cd', cell: (c) => <>{c.addresses[0] ?? ''}{c.addresses.length > 1 && <span class="dim" title={c.addresses.join(', ')}> +{c.addresses.length - 1}</span>}</> },
        { id: 'upstream', title: t('clients.upstream'), drop: 'cd', cell: (c) => (c.upstream ? <Name>{c.upstream}</Name> : <span class="dim">–</span>) },
        { id: 'kind', title: t('clients.kind'), drop: 'cc', cell: (c) => t(c.virtual ? 'client.virtual' : 'client.physical') },
        { id: 'count', title: t('clients.count'), drop: 'cc', num: true, cell: (c) => (/^0x0+$/.test(c.result) ? number(c.count) : <code>{c.result}</code>) },
        { id: 'left', title: t('clients.left'), drop: 'cc', num: true, cell: (c) => (c.minutesToExpiry > 0 ? length(c.minutesToExpiry * 60) : '–') },
        { id: 'requests', title: t('clients.requests'), drop: 'cc', num: true, cell: (c) => number(c.requests) },
        { id: 'seen', title: t('clients.seen'), sort: 'last-seen', descending: true, num: true, cell: (c) => <Time iso={c.lastSeen} /> },
    ];
}

export function queryOf(query: URLSearchParams): Query {
    const out: Query = { ...clientQuery(query.get('q') ?? ''), sort: query.get('sort') ?? 'last-seen' };
    for (const f of filters) {
        const value = query.get(f);
        if (!value) continue;
        out[f] = f === 'since' ? sinceOf(value) : value;
    }
    return out;
}

/** "30d" -> a whole hour, so that the same view asks the same thing for a while. */
export function sinceOf(span: string, now = Date.now()): string {
    const days = Number(/^(\d+)d$/.exec(span)?.[1] ?? 0);
    return days === 0 ? span : new Date(Math.floor((now - days * 86_400_000) / 3_600_000) * 3_600_000).toISOString();
}

/** All that the filters leave, as a file that the appliance writes; nothing in it is a formula to a spreadsheet. */
function save(query: Query, format: 'csv' | 'jsonl'): void {
    const link = document.createElement('a');
    link.href = address('/clients', { ...query, format });
    link.download = '';
    link.click();
}

function FilterMenu({ query }: { query: URLSearchParams }) {
    const { facts } = useHealth();
    const set = (name: string, value: string) => setQuery({ [name]: value });
    return (
        <details class="menu">
            <summary class="btn bare"><Icon name="plus" />{t('clients.filter')}</summary>
            <div class="menubox stack">
                <label>{t('clients.product')}<select value={query.get('product') ?? ''} onChange={(e) => set('product', e.currentTarget.value)}><option value="">{t('clients.any')}</option>{facts?.pool?.products.map((p) => <option key={p.countedId} value={p.countedId}>{p.product}</option>)}</select></label>
                {facts && facts.upstreams.length > 0 && <label>{t('clients.upstream')}<select value={query.get('upstream') ?? ''} onChange={(e) => set('upstream', e.currentTarget.value)}><option value="">{t('clients.any')}</option>{facts.upstreams.map((u) => <option key={u.name}>{u.name}</option>)}</select></label>}
                <label>{t('clients.kind')}<select value={query.get('virtual') ?? ''} onChange={(e) => set('virtual', e.currentTarget.value)}><option value="">{t('clients.any')}</option><option value="true">{t('client.virtual')}</option><option value="false">{t('client.physical')}</option></select></label>
                <label>{t('clients.cmid')}<select value={query.get('shared') ?? ''} onChange={(e) => set('shared', e.currentTarget.value)}><option value="">{t('clients.any')}</option><option value="true">{t('clients.shared')}</option><option value="false">{t('clients.own')}</option></select></label>
                <label>{t('clients.since')}<select value={query.get('since') ?? ''} onChange={(e) => set('since', e.currentTarget.value)}><option value="">{t('clients.ever')}</option>{[1, 7, 30].map((n) => <option key={n} value={`${n}d`}>{t('clients.days', { n })}</option>)}</select></label>
            </div>
        </details>
    );
}

function Views({ query }: { query: URLSearchParams }) {
    const pool = useHealth().facts?.pool;
    const [mine, setMine] = useState(views());
    const [naming, setNaming] = useState(false);
    const [name, setName] = useState('');
    const here = [...query.entries()].filter(([k]) => k !== 'cols' && k !== 'm').map(([k, v]) => `${k}=${v}`).sort().join('&');
    const status = query.get('status') ?? '';
    const saved = mine.find((v) => [...new URLSearchParams(v.query).entries()].filter(([k]) => k !== 'cols').map(([k, x]) => `${k}=${x}`).sort().join('&') === here);
    return (
        <nav class="tabs" aria-label={t('clients.views')}>
            <a href="/clients" aria-current={here === '' ? 'true' : undefined}>{t('clients.all')}<TabCount n={pool?.machines} /></a>
            {(pool?.duplicateMachines ?? 0) > 0 && <a href="/clients?shared=true&sort=cmid" aria-current={here === 'shared=true&sort=cmid' && !saved ? 'true' : undefined}>{t('clients.shared')}<TabCount n={pool?.duplicateMachines} /></a>}
            {statuses.map((s) => <a key={s} href={`/clients?status=${s}`} aria-current={status === s && !saved ? 'true' : undefined}>{word('status', s)}<TabCount n={pool && (pool.statuses.find((x) => x.status === s)?.machines ?? 0)} /></a>)}
            {mine.map((v) => <a key={v.name} href={`/clients?${v.query}`} aria-current={saved?.name === v.name ? 'true' : undefined}><bdi>{v.name}</bdi></a>)}
            {here !== '' && !saved && !naming && <button class="linkish" type="button" onClick={() => setNaming(true)}>{t('clients.save')}</button>}
            {saved && <button class="linkish" type="button" onClick={() => setMine(deleteView(saved.name))}>{t('clients.unsave')}</button>}
            {naming && <form class="row tabform" onSubmit={(e) => { e.preventDefault(); if (name.trim()) setMine(saveView({ name: name.trim(), query: query.toString() })); setNaming(false); setName(''); }}>
                <label class="vh" for="view-name">{t('clients.viewName')}</label><input id="view-name" type="text" maxLength={40} required placeholder={t('clients.viewName')} value={name} ref={(el) => { if (el && name === '') el.focus(); }} onInput={(e) => setName(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Escape') setNaming(false); }} /><button class="btn" type="submit">{t('clients.save')}</button></form>}
        </nav>
    );
}

function Detail({ cmid, machine, back }: { cmid: string; machine: string | null; back: string }) {
    const { session } = useSession();
    const { reload } = useHealth();
    const shown = useResource(useCallback((signal: AbortSignal) => get<ClientShow>(`/clients/${part(cmid)}`, {}, signal), [cmid]), 30_000);
    const [removing, setRemoving] = useState(false);
    const act = useAct();
    const machines = shown.data?.machines ?? [];
    const c = machines.find((m) => m.machine === machine) ?? machines[0];
    const names = [...new Set(machines.map((m) => m.machine))];
    const port = location.hostname;
    const remove = () => void act.run(async () => {
        await send('DELETE', `/clients/${part(cmid)}`);
        toast(t('client.removed', { name: c?.machine ?? cmid }));
        reload();
        go(back);
    });
    if (!c) return <Drawer title={t('client.title')} back={back}>{shown.problem ? <Trouble problem={shown.problem} again={shown.reload} /> : <Waiting />}</Drawer>;
    const s = standingOf(c);
    const clones = names.length > 1;
    return (
        <Drawer title={<Name>{c.machine}</Name>} sub={<><Sev level={s.level}>{s.word}</Sev>{c.minutesToExpiry > 0 && <span class="muted">{t('client.leftOver', { time: length(c.minutesToExpiry * 60) })}</span>}</>} back={back}>
            <Callout level={s.level} title={s.title}><p>{s.detail}</p></Callout>
            {clones && <div class="spaced"><Callout level="warn" title={t('client.clones.title', { n: names.length })}><p>{t('client.clones.detail')}</p>
                <p class="sm">{names.slice(0, 12).map((n, i) => <span key={n}>{i > 0 && ', '}<bdi>{n || t('client.noName')}</bdi></span>)}{names.length > 12 && t('client.andMore', { n: names.length - 12 })}</p></Callout></div>}
            <section aria-labelledby="d1"><h3 id="d1">{t('client.facts')}</h3><dl class="kv">
                <dt>{t('clients.product')}</dt><dd><bdi>{c.product}</bdi></dd>
                <dt>CMID</dt><dd><Guid value={c.cmid} whole /></dd>
                <dt>{t('clients.address')}</dt><dd>{c.addresses.join(', ')}{c.moreAddresses > 0 && ` ${t('client.andMore', { n: c.moreAddresses })}`}</dd>
                {c.upstream && <><dt>{t('clients.upstream')}</dt><dd><a href={`/upstreams/${part(c.upstream)}`}><bdi>{c.upstream}</bdi></a></dd></>}
                <dt>N-policy</dt><dd>{number(c.required)}</dd>
                <dt>{t('clients.count')}</dt><dd>{number(c.count)} <code>{c.result}</code></dd>
                <dt>{t('clients.kind')}</dt><dd>{t(c.virtual ? 'client.virtual' : 'client.physical')}</dd>
                <dt>{t('clients.requests')}</dt><dd>{number(c.requests)}</dd>
                <dt>{t('client.first')}</dt><dd><Time iso={c.firstSeen} /></dd>
                <dt>{t('client.counted')}</dt><dd><Time iso={c.countedAt} /></dd></dl></section>
            <section aria-labelledby="d2"><h3 id="d2">{t('clients.requests')}</h3>
                <ol class="tl">{shown.data?.requests.map((e, i, all) => <li key={e.seq} class={i === all.length - 1 ? 'first' : undefined}><Time iso={e.time} /><span>{requestText(e)}{clones && <> <bdi class="muted">{e.machine}</bdi></>}</span></li>)}</ol>
                <p class="sm"><a href={`/events?q=${c.cmid}`}>{t('client.allEvents')}</a></p></section>
            <section aria-labelledby="d3"><h3 id="d3">{t('client.onMachine')}</h3>
                {clones ? <><p class="sm muted">{t('client.rearm')}</p><Command text="slmgr.vbs /rearm" /><Command text="shutdown /r /t 0" /><p class="sm muted spaced2">{t('client.sysprep')}</p></>
                    : <><p class="sm muted">{t('client.commands')}</p><Command text={`slmgr.vbs /skms ${port}`} /><Command text="slmgr.vbs /ato" /><Command text="slmgr.vbs /dlv" /><p class="sm muted spaced2">{t('client.ckms')}</p><Command text="slmgr.vbs /ckms" /></>}</section>
            <section aria-label={t('client.forget')}><button class="btn" type="button" disabled={!may(session, 'operator')} onClick={() => setRemoving(true)}>{t('client.forgetN', { n: machines.length })}</button>
                <p class="xs muted spaced2">{may(session, 'operator') ? t('client.forget.help') : t('act.needs', { role: word('role', 'operator') })}</p></section>
            {removing && <Confirm title={t('client.forget.title', { name: c.machine || cmid })} act={t('client.forgetN', { n: machines.length })} busy={act.busy} problem={act.problem} run={remove} close={() => setRemoving(false)}><p>{t('client.forget.help')}</p></Confirm>}
        </Drawer>
    );
}

export function requestText(e: Event): string {
    const f = e.fields ?? {};
    const by = e.upstream || t('client.thisLab');
    const result = resultOf(e);
    if (result === 'silent') return t('request.silent', { code: String(f['fault']) });
    if (result === 'refused') return t('request.refused', { by, code: String(f['result']) });
    return typeof f['count'] === 'number' ? t('request.answered', { by, count: f['count'] }) : t('request.sealed', { by });
}

export default function Clients({ params, query }: PageProps) {
    const { facts } = useHealth();
    const asked = useMemo(() => queryOf(query), [query]);
    const list = usePaged<Client>('/clients', asked, pageSize);
    useTitle(t('nav.clients'));
    const kept = new URLSearchParams(query);
    kept.delete('m');
    const tail = kept.toString() ? `?${kept.toString()}` : '';
    // Clones share an address of their page: which of them was meant goes with it.
    const names = new Map<string, string>();
    const clones = new Set<string>();
    for (const c of list.rows) if ((names.get(c.cmid) ?? c.machine) === c.machine) names.set(c.cmid, c.machine); else clones.add(c.cmid);
    const all = columns((c) => `/clients/${c.cmid}${clones.has(c.cmid) ? `${tail ? `${tail}&` : '?'}m=${encodeURIComponent(c.machine)}` : tail}`);
    const shown = query.get('cols')?.split(',') ?? defaultColumns;
    const some = all.filter((c) => c.id === 'machine' || shown.includes(c.id));
    const filtered = filters.some((f) => query.get(f)) || (query.get('q') ?? '') !== '';
    const total = filtered ? undefined : facts?.pool?.machines;
    const selected = params['cmid'];
    const name = (f: (typeof filters)[number], value: string): string =>
        f === 'status' ? word('status', value) : f === 'product' ? (facts?.pool?.products.find((p) => p.countedId === value)?.product ?? value)
            : f === 'virtual' ? t(value === 'true' ? 'client.virtual' : 'client.physical') : f === 'shared' ? t(value === 'true' ? 'clients.shared' : 'clients.own')
                : f === 'since' ? t('clients.seenIn', { n: Number.parseInt(value, 10) || 0 }) : value;
    const chosen = query.get('m');
    const first = list.rows.find((c) => c.cmid === selected && (chosen === null || c.machine === chosen)) ?? list.rows.find((c) => c.cmid === selected);
    return (
        <div class="page"><div class={selected ? 'split' : undefined}>
            <div class="work cq">
                <div class="head"><h1>{t('nav.clients')}</h1>{facts?.pool && <span class="muted sm">{tr('clients.sum', { machines: t('clients.machines', { n: facts.pool.machines }), cmids: number(facts.pool.cmids) })}</span>}
                    <span class="gap row"><ColumnChoice all={all.slice(1)} shown={shown} onShown={(ids) => setQuery({ cols: ids.join(',') === defaultColumns.join(',') ? undefined : ids.join(',') || 'none' })} />
                        <button class="btn" type="button" disabled={list.rows.length === 0} onClick={() => save(asked, 'csv')}><Icon name="download" /><span class="vh-sm">{t('clients.export')}</span></button>
                        <button class="btn bare opt-wide" type="button" disabled={list.rows.length === 0} onClick={() => save(asked, 'jsonl')}>JSON</button></span></div>
                <Views query={query} />
                <form role="search" class="row filterbar" aria-label={t('nav.clients')} onSubmit={(e) => e.preventDefault()}>
                    <Search label={t('clients.search')} value={query.get('q') ?? ''} onValue={(q) => setQuery({ q })} />
                    {filters.map((f) => { const v = query.get(f); return v ? <Chip key={f} label={t('clients.unfilter', { what: name(f, v) })} remove={() => setQuery({ [f]: undefined })}>{name(f, v)}</Chip> : null; })}
                    <FilterMenu query={query} />
                </form>
                {list.problem && <div class="mb"><Trouble problem={list.problem} again={list.reload} /></div>}
                {list.rows.length === 0 && !list.problem && (list.loading ? <Waiting />
                    : filtered ? <Empty title={t('clients.noneFound')}><p>{t('clients.noneFound.detail')}</p><p><a class="btn" href="/clients">{t('clients.clear')}</a></p></Empty>
                        : <Empty title={t('overview.noClients')}><p>{t('overview.noClients.detail')}</p><Command text={`slmgr.vbs /skms ${location.hostname}`} /><Command text="slmgr.vbs /ato" /></Empty>)}
                {list.rows.length > 0 && <Table class="clients" label={t('clients.table')} columns={some} rows={list.rows} id={rowId} selected={first ? rowId(first) : undefined} sort={query.get('sort') ?? 'last-seen'} onSort={(sort) => setQuery({ sort: sort === 'last-seen' ? undefined : sort })} slow={list.slow} />}
                <Pager list={list} total={total} />
            </div>
            {selected && <Detail key={`${selected} ${chosen ?? ''}`} cmid={selected} machine={chosen} back={`/clients${tail}`} />}
        </div></div>
    );
}
