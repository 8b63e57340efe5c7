/** Is it working, and if not, what to do? */
import { useCallback, useState } from 'preact/hooks';
import { get } from '../api/client';
import { useLive } from '../api/live';
import type { Event, Json, List, Revision, Upstream } from '../api/types';
import { useResource } from '../api/use';
import { useHealth, type Alarm, type Facts, type Gauge } from '../app/health';
import { number, t, tr, word } from '../i18n';
import { Callout, LiveDot, Name, Sev, Time, Trouble, useThrottled, useTitle, Waiting } from '../ui/bits';
import { length, when } from '../ui/format';
import { Icon } from '../ui/icons';
import { lazy } from '../ui/lazy';
import { Legend } from '../ui/legend';
import { Tally } from '../ui/tally';
import { bucketsOf, widthFor, type Buckets, type Stretch } from './requests';
import { conditionOf } from './upstream-state';

const RequestsChart = lazy(() => import('../ui/chart'));

const levelWord = { crit: 'level.crit', warn: 'level.warn', note: 'level.note' } as const;

function Verdict({ facts, alarms }: { facts: Facts; alarms: Alarm[] }) {
    const first = alarms[0];
    const { status } = facts;
    if (first)
        return (
            <>
                <p class="row sm"><Sev level={first.level}>{t(levelWord[first.level])}</Sev>{first.since && <span class="muted">{tr('overview.seen', { time: <Time iso={first.since} /> })}</span>}</p>
                <h1 class="verdict"><bdi>{first.title}</bdi></h1>
                {first.detail && <p class="lede lg spaced"><bdi>{first.detail}</bdi></p>}
                <p class="row spaced"><a class="btn go" href={first.href}>{first.act}<Icon name="right" /></a><a class="btn" href="/clients"><Icon name="search" />{t('overview.why')}</a></p>
            </>
        );
    return (
        <>
            <p class="row sm"><Sev level="ok">{t('level.ok')}</Sev><span class="muted">{t('frame.up', { time: length(status.uptime) })}</span></p>
            <h1 class="verdict">{status.requests === 0 ? t('overview.ready') : t('overview.works')}</h1>
            <p class="lede lg spaced">{status.requests === 0 ? t('overview.ready.detail', { address: status.listening[0] ?? '' }) : t('overview.works.detail', { n: status.machines, requests: status.requests })}</p>
            <p class="row spaced"><a class="btn" href="/clients"><Icon name="search" />{t('overview.why')}</a></p>
        </>
    );
}

function Pool({ gauge }: { gauge: Gauge }) {
    const short = gauge.count < gauge.needed;
    return (
        <div class="pool"><h3><Name>{gauge.product}</Name></h3><p class="via">{gauge.by ? <Name>{gauge.by}</Name> : t('overview.byMuster')}</p>
            <p class="count">{short ? <>{number(gauge.count)} <small>{t('overview.ofCounted', { n: gauge.needed })}</small></> : <>{number(gauge.machines)} <small>{t('overview.machines', { n: gauge.machines })}</small></>}</p>
            <Tally counted={gauge.count} needed={gauge.needed} />
            <p class="below">{short ? <><Sev level="crit">{t('overview.moreNeeded', { n: gauge.needed - gauge.count })}</Sev> <span class="muted">{t('overview.short.detail')}</span></>
                : <><Sev level="ok">{t('overview.met')}</Sev> <span class="muted">{gauge.count >= 50 ? t('overview.capped') : t('overview.reports', { n: gauge.count })}</span></>}</p></div>
    );
}

interface Sealed {
    by: string;
    addresses: number;
    atLeast: boolean;
}

/** v5 and v6 are sealed: addresses are all that is seen, and that is said. */
function SealedPool({ sealed }: { sealed: Sealed }) {
    return (
        <div class="pool"><h3>{t('overview.sealed.title')}</h3><p class="via"><Name>{sealed.by}</Name></p>
            <p class="count">{number(sealed.addresses)}{sealed.atLeast && '+'} <small>{t('overview.addresses', { n: sealed.addresses })}</small></p>
            <p class="opaque muted">{t('overview.sealed.detail')}</p><p class="below"><Sev level="note">{t('overview.sealed')}</Sev></p></div>
    );
}

const day = 86_400_000;

interface History {
    begins: string | null;
    items: Stretch[];
}

interface Day {
    buckets: Buckets;
    whole: boolean;
}

/** Nothing: no request ever came. */
async function dayOfRequests(signal: AbortSignal): Promise<Day | null> {
    const to = Date.now();
    const since = (width: number) => get<History>('/requests/history', { since: new Date(to - day).toISOString(), width: width / 60_000 }, signal);
    let width = widthFor(day);
    let history = await since(width);
    if (history.begins === null) return null;
    // What is young is not drawn as a day of nothing.
    const from = Math.max(to - day, Math.min(Date.parse(history.begins), to - 25 * 60_000));
    if (widthFor(to - from) !== width) {
        width = widthFor(to - from);
        history = await since(width);
    }
    return { buckets: bucketsOf(history.items, width, from, to), whole: to - from > day * 0.9 };
}

function Requests({ turn }: { turn: number }) {
    const { data, problem, reload, slow } = useResource(useCallback((signal: AbortSignal) => {
        void turn;
        return dayOfRequests(signal);
    }, [turn]));
    const buckets = data?.buckets;
    return (
        <section class={slow ? 'sect bare is-old' : 'sect bare'} aria-labelledby="req">
            <div class="head"><h2 id="req">{buckets && buckets.width >= 3_600_000 ? t('overview.perHour') : t('overview.requests')}</h2>{buckets && <Legend totals={buckets.totals} />}</div>
            {problem && <Trouble problem={problem} again={reload} />}
            {data === undefined && !problem && <div class="chartspace" />}
            {data === null && <p class="muted">{t('overview.noRequests')}</p>}
            {data && buckets && <div class="chartspace"><RequestsChart buckets={buckets} note={data.whole ? t('chart.day') : t('chart.since', { time: when(new Date(buckets.times[0] ?? 0), new Date(Date.now() + 60_000)) })} /></div>}
        </section>
    );
}

interface Known extends Upstream {
    p99?: number;
    sealed?: Sealed;
}

const numberIn = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);

async function learn(upstreams: Upstream[], signal: AbortSignal): Promise<Known[]> {
    return Promise.all(upstreams.slice(0, 8).map(async (u) => {
        const shown = await get<Upstream>(`/upstreams/${encodeURIComponent(u.name)}`, {}, signal);
        const addresses = numberIn(shown.learned?.['sealedAddresses']) ?? 0;
        const p99 = numberIn(shown.learned?.['p99Ms']);
        return { ...u, ...(p99 !== undefined ? { p99 } : {}), ...(addresses > 0 ? { sealed: { by: u.name, addresses, atLeast: shown.learned?.['sealedAtLeast'] === true } } : {}) };
    }));
}

function Upstreams({ list }: { list: Known[] }) {
    return (
        <section class="sect" aria-labelledby="ups">
            <div class="head"><h2 id="ups">{t('nav.upstreams')}</h2><a class="gap sm" href="/upstreams">{t('overview.allUpstreams')}</a></div>
            <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('nav.upstreams') })}><table>
                <thead><tr><th scope="col">{t('upstreams.host')}</th><th scope="col">{t('upstreams.state')}</th><th scope="col" class="opt-md">{t('upstreams.lastAnswer')}</th><th scope="col" class="num">{t('upstreams.count')}</th><th scope="col" class="num">{t('upstreams.p99')}</th></tr></thead>
                <tbody>{list.map((u) => {
                    const c = conditionOf(u);
                    return <tr key={u.name}><th scope="row" class="cut"><a href={`/upstreams/${encodeURIComponent(u.name)}`}><Name>{u.name}</Name></a></th><td><Sev level={c.level}>{c.word}</Sev></td><td class="opt-md"><Time iso={u.lastAnswer} /></td><td class="num">{u.count ?? <span class="dim">{u.sealed ? t('upstreams.sealed') : '–'}</span>}</td><td class="num">{u.p99 === undefined ? <span class="dim">–</span> : t('time.ms', { n: Math.round(u.p99) })}</td></tr>;
                })}</tbody></table></div>
        </section>
    );
}

function Dns({ facts }: { facts: Facts }) {
    return (
        <section class="sect" aria-labelledby="dnsh">
            <div class="head"><h2 id="dnsh">{t('nav.dns')}</h2><a class="gap sm" href="/dns">{t('overview.plan')}</a></div>
            {facts.domains.length === 0 ? <p class="muted">{t('overview.noDns')}</p>
                : <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('nav.dns') })}><table><thead><tr><th scope="col">{t('dns.domain')}</th><th scope="col">{t('dns.state')}</th><th scope="col" class="opt-md">{t('dns.why')}</th></tr></thead>
                    <tbody>{facts.domains.map((d) => <tr key={d.domain}><th scope="row"><a href="/dns"><Name>{d.domain}</Name></a></th><td><Sev level={d.state === 'published' || d.state === 'manual' ? 'ok' : d.state === 'failed' || d.state === 'lagging' || d.state === 'manual-differs' ? 'warn' : 'note'}>{word('dnsState', d.state)}</Sev></td><td class="opt-md muted cut">{d.why}</td></tr>)}</tbody></table></div>}
        </section>
    );
}

function Margin({ alarms }: { alarms: Alarm[] }) {
    const load = useCallback(async (signal: AbortSignal) => {
        const [revisions, changes] = await Promise.all([
            get<List<Revision>>('/revisions', { limit: 5 }, signal),
            get<List<Event>>('/events', { limit: 200 }, signal),
        ]);
        const notable = changes.items.filter((e) => e.id !== 12290).slice(0, 6).map((e) => ({ key: `e${e.seq}`, time: e.time, text: e.message, href: `/events?q=${e.id}` }));
        const made = revisions.items.map((r) => ({ key: `r${r.number}`, time: r.when, text: t('overview.revision', { who: r.author, what: r.comment, n: r.number }), href: `/settings?revision=${r.number}` }));
        return [...notable, ...made].sort((a, b) => b.time.localeCompare(a.time)).slice(0, 6);
    }, []);
    const lately = useResource(load, 60_000);
    return (
        <aside class="margin" aria-label={t('overview.attention')}>
            <section aria-labelledby="att"><div class="head"><h2 id="att">{t('overview.attention')}</h2></div>
                {alarms.length === 0 ? <p class="row"><Sev level="ok">{t('overview.nothing')}</Sev></p>
                    : <ul class="todo">{alarms.map((a) => <li key={a.id}><span class={a.level}><Icon name={a.level} /></span><a href={a.href}><bdi>{a.title}</bdi></a><p class="meta"><b class={a.level}>{t(levelWord[a.level])}</b>{a.detail && <> · <bdi>{a.detail}</bdi></>}</p></li>)}</ul>}
            </section>
            <section aria-labelledby="chg"><div class="head"><h2 id="chg">{t('overview.lately')}</h2><a class="gap" href="/audit">{t('nav.audit')}</a></div>
                {lately.problem && <Trouble problem={lately.problem} again={lately.reload} />}
                <ul class="log2">{lately.data?.map((x) => <li key={x.key}><Time iso={x.time} /><a href={x.href} class="plain"><bdi>{x.text}</bdi></a></li>)}</ul>
                {lately.data?.length === 0 && <p class="muted">{t('overview.noChanges')}</p>}
            </section>
        </aside>
    );
}

export default function Overview() {
    const { facts, alarms, problem, slow, reload } = useHealth();
    const [last, setLast] = useState('');
    const [turn, setTurn] = useState(0);
    const soon = useThrottled(reload, 3000);
    const redraw = useThrottled(() => setTurn((n) => n + 1), 15_000);
    const live = useLive((event) => {
        if (event.id === 12290) setLast(event.time);
        soon();
        redraw();
    });
    useTitle(t('nav.overview'));
    const upstreams = facts?.upstreams;
    const known = useResource(useCallback((signal: AbortSignal) => learn(upstreams ?? [], signal), [upstreams]));
    const newest = facts?.gauges.reduce((a, g) => (g.seen > a ? g.seen : a), '') ?? '';
    const latest = last > newest ? last : newest;
    const sealed = (known.data ?? []).flatMap((u) => (u.sealed ? [u.sealed] : []));
    return (
        <div class="page with-margin full">
            <div class={slow ? 'work is-old' : 'work'}>
                {problem && <div class="mb"><Trouble problem={problem} again={reload} /></div>}
                {!facts && !problem && <><h1 class="vh">{t('nav.overview')}</h1><Waiting /></>}
                {!facts && problem && <h1 class="vh">{t('nav.overview')}</h1>}
                {facts && <>
                    <Verdict facts={facts} alarms={alarms} />
                    <section class="sect flush" aria-labelledby="pools">
                        <div class="head"><h2 id="pools">{t('overview.pools')}</h2><span class="gap"><LiveDot on={live.on} since={live.since}>{latest ? tr('overview.live', { time: <Time iso={latest} /> }) : undefined}</LiveDot></span></div>
                        {facts.gauges.length + sealed.length > 0
                            ? <div class="pools">{facts.gauges.map((g) => <Pool key={g.id} gauge={g} />)}{sealed.map((s) => <SealedPool key={s.by} sealed={s} />)}</div>
                            : <Callout level="note" title={t('overview.noClients')}><p>{t('overview.noClients.detail')}</p><p><code>slmgr.vbs /skms {location.hostname}</code></p></Callout>}
                    </section>
                    <div class="duo"><Requests turn={turn} />
                        <div>{facts.status.mode === 'relay' && facts.upstreams.length > 0 && <Upstreams list={known.data ?? facts.upstreams} />}
                            <Dns facts={facts} /></div></div></>}
            </div>
            <Margin alarms={alarms} />
        </div>
    );
}
