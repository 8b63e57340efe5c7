/** How the appliance is: asked once for the whole page, judged in one place. */
import { createContext, type ComponentChildren } from 'preact';
import { useCallback, useContext } from 'preact/hooks';
import { get } from '../api/client';
import { Problem } from '../api/problem';
import { useResource } from '../api/use';
import type { Backup, DnsTarget, Domain, List, Pool, PoolProduct, Status, Upstream } from '../api/types';
import { t } from '../i18n';
import type { Severity } from '../ui/bits';
import { sentence } from '../ui/format';

/** One product of the pool and what its newest client says about it. */
export interface Gauge {
    id: string;
    product: string;
    machines: number;
    /** As the host that answered counts; where that is not known, as this pool does. */
    count: number;
    needed: number;
    /** Who counts: the upstream, or "" (the lab). */
    by: string;
    seen: string;
}

export interface Facts {
    status: Status;
    pool: Pool | undefined;
    gauges: Gauge[];
    upstreams: Upstream[];
    domains: Domain[];
    targets: DnsTarget[];
    /** After a degraded start the newest verified backup; null: none is here; undefined: this user may not know. */
    backup?: string | null | undefined;
    at: number;
}

export interface Alarm {
    id: string;
    level: Exclude<Severity, 'ok' | 'lab'>;
    title: string;
    detail: string;
    href: string;
    act: string;
    since?: string | undefined;
}

const mostGauges = 8;

export function gaugeOf(product: PoolProduct): Gauge {
    return {
        id: product.countedId,
        product: product.product,
        machines: product.machines,
        count: product.count > 0 ? product.count : product.counted,
        needed: product.required > 0 ? product.required : /server/i.test(product.product) ? 5 : 25,
        by: product.upstream,
        seen: product.lastSeen,
    };
}

/** What this host does not offer is not there; everything else is trouble. */
async function offered<T>(ask: Promise<T>, otherwise: T): Promise<T> {
    try {
        return await ask;
    } catch (error) {
        if (error instanceof Problem && (error.status === 404 || error.status === 422)) return otherwise;
        throw error;
    }
}

async function newestBackup(signal: AbortSignal): Promise<string | null | undefined> {
    try {
        return (await get<List<Backup>>('/backups', {}, signal)).items.find((b) => b.newest)?.name ?? null;
    } catch (error) {
        if (error instanceof Problem && error.status === 403) return undefined;
        throw error;
    }
}

export async function loadFacts(signal: AbortSignal): Promise<Facts> {
    const nothing = { items: [], next: null };  // of a list that this mode does not have
    const asked = get<Status>('/status', {}, signal);
    const [status, pool, upstreams, domains, targets, backup] = await Promise.all([
        asked,
        offered<Pool | undefined>(get<Pool>('/pool', {}, signal), undefined).catch((error: unknown) => {
            if (error instanceof Problem && error.code === 'storage') return undefined;
            throw error;
        }),
        asked.then((s) => (s.mode === 'relay' ? offered(get<List<Upstream>>('/upstreams', {}, signal), nothing) : nothing)),
        offered(get<List<Domain>>('/dns/domains', {}, signal), nothing),
        offered(get<List<DnsTarget>>('/dns/targets', {}, signal), nothing),
        asked.then((s) => (s.degraded ? newestBackup(signal) : undefined)),
    ]);
    const products = [...(pool?.products ?? [])].sort((a, b) => b.machines - a.machines).slice(0, mostGauges);
    const gauges = products.map(gaugeOf);
    return { status, pool, gauges, upstreams: upstreams.items, domains: domains.items, targets: targets.items, backup, at: Date.now() };
}

const badTargets = new Set(['missing', 'stale', 'unreachable', 'not-kms', 'foreign', 'differs', 'servers-differ', 'scavenging']);
const rank = { crit: 0, warn: 1, note: 2 };

/** Everything that needs a person, worst first. */
export function alarmsOf(facts: Facts): Alarm[] {
    const { status, pool, gauges, upstreams, domains, targets } = facts;
    const alarms: Alarm[] = [];
    if (status.mode === 'none') alarms.push({ id: 'mode', level: 'crit', title: t('alarm.mode'), detail: t('alarm.mode.detail'), href: '/setup', act: t('alarm.mode.act') });
    if (status.degraded) alarms.push({ id: 'degraded', level: 'crit', title: t('backup.degraded'), detail: facts.backup ? t('backup.degraded.offer', { name: facts.backup }) : t(facts.backup === null ? 'backup.degraded.none' : 'backup.degraded.ask'), href: '/system?restore=newest', act: t(facts.backup ? 'backup.restore.newest' : 'nav.system') });
    for (const line of status.trouble) {
        if (status.degraded && line.startsWith('a damaged database was set aside')) continue;
        if (status.mode === 'none' && line.startsWith('no mode is chosen')) continue;
        // Hosts that are down have an alarm of their own below, with the way to them.
        if (upstreams.some((u) => line.toLowerCase().startsWith(`upstream ${u.name.toLowerCase()} is down`))) continue;
        const [what = line, ...rest] = line.split('; ');
        const plugin = line.startsWith('plugin ');
        alarms.push({ id: line, level: status.ready && !line.startsWith('no address') ? 'warn' : 'crit', title: sentence(what), detail: sentence(rest.join('; ')), href: plugin ? '/plugins' : '/events', act: plugin ? t('nav.plugins') : t('nav.events') });
    }
    const active = upstreams.filter((u) => u.state === 'active');
    const up = active.filter((u) => u.condition === 'up');
    if (status.mode === 'relay' && upstreams.length === 0) alarms.push({ id: 'no-upstream', level: 'crit', title: t('alarm.noUpstream'), detail: t('alarm.noUpstream.detail'), href: '/upstreams?add=1', act: t('upstreams.add') });
    for (const u of active) {
        if (u.condition === 'down') alarms.push({ id: `up ${u.name}`, level: up.length === 0 ? 'crit' : 'warn', title: t('alarm.down', { name: u.name }), detail: sentence(u.why), href: `/upstreams/${encodeURIComponent(u.name)}`, act: t('alarm.down.act') });
        if (u.reading) alarms.push({ id: `rd ${u.name}`, level: 'warn', title: t('alarm.reading', { name: u.name }), detail: u.reading, href: `/upstreams/${encodeURIComponent(u.name)}`, act: t('alarm.reading.act') });
    }
    for (const g of gauges)
        if (g.count < g.needed)
            alarms.push({
                id: `short ${g.id}`, level: 'crit', title: t('alarm.short', { product: g.product, n: g.needed - g.count }),
                detail: t('alarm.short.detail', { count: g.count, needed: g.needed }), href: `/clients?product=${g.id}`, act: t('alarm.short.act'), since: g.seen,
            });
    if (pool && pool.duplicateCmids > 0) alarms.push({ id: 'dup', level: 'warn', title: pool.duplicateCmids === 1 ? t('alarm.clones', { n: pool.duplicateMachines }) : t('alarm.clonesMany', { n: pool.duplicateMachines, cmids: pool.duplicateCmids }), detail: t('alarm.clones.detail'), href: '/clients?shared=true&sort=cmid', act: t('alarm.clones.act') });
    for (const d of domains) if (d.state === 'failed' || d.state === 'lagging' || d.state === 'manual-differs') alarms.push({ id: `dns ${d.domain}`, level: 'warn', title: t('alarm.dns', { domain: d.domain }), detail: d.why, href: '/dns', act: t('alarm.dns.act') });
    const bad = targets.filter((x) => badTargets.has(x.verdict));
    if (bad.length > 0) alarms.push({ id: 'targets', level: 'warn', title: t('alarm.targets', { n: bad.length }), detail: bad.map((x) => x.target || x.domain).slice(0, 3).join(', '), href: '/dns?view=watch', act: t('alarm.dns.act') });
    if (status.answersNotDurable > 0) alarms.push({ id: 'durable', level: 'note', title: t('alarm.notDurable', { n: status.answersNotDurable }), detail: t('alarm.notDurable.detail'), href: '/events', act: t('nav.events') });
    return alarms.sort((a, b) => rank[a.level] - rank[b.level]);
}

export interface Health {
    facts: Facts | undefined;
    alarms: Alarm[];
    problem: Problem | undefined;
    slow: boolean;
    reload: () => void;
}

const empty: Health = { facts: undefined, alarms: [], problem: undefined, slow: false, reload: () => undefined };
const HealthOf = createContext<Health>(empty);

export function HealthProvider({ children }: { children: ComponentChildren }) {
    const { data, problem, slow, reload } = useResource(useCallback(loadFacts, []), 30_000);
    return <HealthOf.Provider value={{ facts: data, alarms: data ? alarmsOf(data) : [], problem, slow, reload }}>{children}</HealthOf.Provider>;
}

export const useHealth = (): Health => useContext(HealthOf);
