/** The journal: live, searchable, with what an entry means beside it. */
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import { useLive } from '../api/live';
import type { Event, List } from '../api/types';
import { useResource } from '../api/use';
import { setQuery } from '../app/router';
import { has, t, word } from '../i18n';
import type { PageProps } from '.';
import { Chip, Empty, LiveDot, Name, Search, Sev, Trouble, useTitle, Waiting, type Severity } from '../ui/bits';
import { clockSeconds, exact, when } from '../ui/format';
import { Icon } from '../ui/icons';
import { eventQuery } from '../ui/search';
import { requestText } from './clients';
import { resultOf } from './requests';

const size = 100;

/** One line: an entry, or several equal ones in a row. */
export interface Line {
    newest: Event;
    oldest: Event;
    n: number;
}

/** Equal neighbours join: the same event about the same thing. Requests of one machine join only with the same result. */
export function joined(events: Event[], join: boolean): Line[] {
    const lines: Line[] = [];
    const same = (e: Event): string => (e.id === 12290 ? `12290 ${e.machine} ${e.cmid ?? ''} ${resultOf(e)}` : `${e.id} ${e.message}`);
    for (const e of events) {
        const last = lines[lines.length - 1];
        if (join && last && same(last.oldest) === same(e)) {
            last.oldest = e;
            ++last.n;
        } else lines.push({ newest: e, oldest: e, n: 1 });
    }
    return lines;
}

export function levelOf(e: Event): { level: Exclude<Severity, 'lab'>; word: string } {
    if (e.id === 12290) {
        const result = resultOf(e);
        if (result === 'refused' || result === 'silent') return { level: 'crit', word: t(`result.${result}`) };
        return result === 'short' ? { level: 'warn', word: t('level.warn') } : { level: 'ok', word: t('level.ok') };
    }
    if (e.severity === 'error' || e.severity === 'critical') return { level: 'crit', word: word('severity', e.severity) };
    if (e.severity === 'warning') return { level: 'warn', word: t('level.warn') };
    return { level: 'note', word: word('severity', e.severity) };
}

/** What the entry means, and what to do: the operator's paragraph. */
export function paragraph(e: Event): { head: string; text: string } {
    if (e.id === 12290) {
        const result = resultOf(e);
        return { head: t(`para.${result}.head`), text: t(`para.${result}`) };
    }
    const key = `para.${e.id}`;
    if (has(key)) return { head: '', text: word('para', String(e.id)) };
    return { head: '', text: levelOf(e).level === 'note' ? t('para.note') : t('para.other') };
}

function Row({ line }: { line: Line }) {
    const e = line.newest;
    const level = levelOf(e);
    const para = paragraph(e);
    const date = new Date(e.time);
    const today = date.toDateString() === new Date().toDateString();
    const what = <>{para.head && <b>{para.head} </b>}{para.text}</>;
    return (
        <tr data-row>
            <td><time dateTime={e.time} title={exact(date)}>{today ? clockSeconds(date) : when(date)}</time></td>
            <td class="c2"><Sev level={level.level}>{level.word}</Sev></td><td class="c3">{e.id}</td>
            <td><div class="evm"><Sev level={level.level}>{level.word}</Sev><span>{e.id}</span></div>
                {e.id === 12290 ? <>{e.cmid ? <a href={`/clients/${e.cmid}`}><b><Name>{e.machine}</Name></b></a> : <b>{t('events.sealed')}</b>}{line.n > 1 && <span class="runs"> · {t('events.times', { n: line.n, time: when(new Date(line.oldest.time)) })}</span>}<br />{requestText(e)}{e.info && <div class="info"><bdi>{e.info}</bdi></div>}</>
                    : <><bdi>{e.message}</bdi>{line.n > 1 && <span class="runs"> · {t('events.times', { n: line.n, time: when(new Date(line.oldest.time)) })}</span>}</>}
                <div class="para-in">{what}</div></td>
            <td class="para c5">{what}</td>
        </tr>
    );
}

export default function Events({ query }: PageProps) {
    const q = query.get('q') ?? '';
    const only = query.get('only') ?? '';
    const upstream = query.get('upstream') ?? '';
    const split = query.get('join') === '0';
    const asked = useMemo(() => ({ ...eventQuery(q), ...(only === 'requests' ? { id: 12290 } : {}), ...(upstream ? { upstream } : {}) }), [q, only, upstream]);
    const first = useResource(useCallback((signal: AbortSignal) => get<List<Event>>('/events', { ...asked, limit: size }, signal), [asked]));
    const [older, setOlder] = useState<Event[]>([]);
    const [next, setNext] = useState<string | null>(null);
    const [fresh, setFresh] = useState<Event[]>([]);
    const [paused, setPaused] = useState(false);
    const held = useRef<Event[]>([]);
    useTitle(t('nav.events'));
    useEffect(() => {
        setOlder([]);
        setFresh([]);
        held.current = [];
        setNext(first.data?.next ?? null);
    }, [first.data]);

    const fits = useCallback((e: Event): boolean => {
        const want = asked as Record<string, string | number | undefined>;
        return (want['id'] === undefined || Number(want['id']) === e.id) && (want['cmid'] === undefined || want['cmid'] === e.cmid)
            && (want['machine'] === undefined || e.machine.toLowerCase().startsWith(String(want['machine']).toLowerCase())) && (want['upstream'] === undefined || want['upstream'] === e.upstream);
    }, [asked]);
    const pending = useRef(false);
    const live = useLive((e) => {
        if (!fits(e)) return;
        held.current.push(e);
        if (paused || pending.current) return;
        // A burst is drawn twice a second, not a thousand times.
        pending.current = true;
        setTimeout(() => {
            pending.current = false;
            const come = held.current.splice(0).reverse();
            setFresh((all) => [...come, ...all].slice(0, 500));
        }, 500);
    });
    const resume = () => {
        const come = held.current.splice(0).reverse();
        setFresh((all) => [...come, ...all].slice(0, 500));
        setPaused(false);
    };
    const events = useMemo(() => {
        const seen = new Set<number>();
        return [...fresh, ...(first.data?.items ?? []), ...older].filter((e) => (only !== 'events' || e.id !== 12290) && !seen.has(e.seq) && seen.add(e.seq));
    }, [fresh, first.data, older, only]);
    const lines = useMemo(() => joined(events, !split), [events, split]);
    const more = () => {
        void get<List<Event>>('/events', { ...asked, limit: size, cursor: next }).then((page) => {
            setOlder((all) => [...all, ...page.items]);
            setNext(page.next);
        }).catch(() => first.reload());
    };
    const filtered = q !== '' || only !== '' || upstream !== '';
    return (
        <div class="page"><div class={first.slow ? 'work cq is-old' : 'work cq'}>
            <div class="head"><h1>{t('nav.events')}</h1><LiveDot on={live.on && !paused} since={live.since}>{t('events.following')}</LiveDot>{paused && <span class="live">{t('events.paused')}</span>}
                <span class="gap row"><button class="btn" type="button" aria-pressed={paused} onClick={() => (paused ? resume() : setPaused(true))}><Icon name={paused ? 'play' : 'pause'} /><span class="vh-sm">{t(paused ? 'events.resume' : 'events.pause')}</span></button></span></div>
            <form role="search" class="row filterbar" aria-label={t('nav.events')} onSubmit={(e) => e.preventDefault()}>
                <Search label={t('events.search')} value={q} onValue={(v) => setQuery({ q: v })} />
                <label class="row nowrap sm"><span class="vh">{t('events.show')}</span><select value={only} onChange={(e) => setQuery({ only: e.currentTarget.value })}><option value="">{t('events.both')}</option><option value="requests">{t('events.requests')}</option><option value="events">{t('events.events')}</option></select></label>
                {upstream && <Chip label={t('clients.unfilter', { what: upstream })} remove={() => setQuery({ upstream: undefined })}>{upstream}</Chip>}
                <label class="opt sm"><input type="checkbox" checked={!split} onChange={(e) => setQuery({ join: e.currentTarget.checked ? undefined : '0' })} /><span>{t('events.join')}</span></label>
            </form>
            {first.problem && <div class="mb"><Trouble problem={first.problem} again={first.reload} /></div>}
            {lines.length === 0 && !first.problem && (first.data ? <Empty title={filtered ? t('events.noneFound') : t('events.none')}><p>{filtered ? t('events.noneFound.detail') : t('events.none.detail')}</p>{filtered && <p><a class="btn" href="/events">{t('clients.clear')}</a></p>}</Empty> : <Waiting />)}
            {lines.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('events.table') })}><table class="ev"><caption class="vh">{t('events.table')}</caption>
                <thead><tr><th scope="col" class="c1">{t('events.time')}</th><th scope="col" class="c2">{t('events.level')}</th><th scope="col" class="c3">{t('events.event')}</th><th scope="col">{t('events.message')}</th><th scope="col" class="c5">{t('events.operator')}</th></tr></thead>
                <tbody>{lines.map((line) => <Row key={line.oldest.seq} line={line} />)}</tbody></table></div>}
            {next !== null && <nav class="pager" aria-label={t('pager.label')}><button class="btn" type="button" onClick={more}>{t('events.older')}<Icon name="down" /></button></nav>}
        </div></div>
    );
}
