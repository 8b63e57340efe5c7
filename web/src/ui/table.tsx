/** Tables: words left, numbers right, the first column is the link; paging by cursor. */
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get, type Query } from '../api/client';
import { toProblem, type Problem } from '../api/problem';
import type { List } from '../api/types';
import { t } from '../i18n';
import { Icon } from './icons';

export interface Column<T> {
    id: string;
    title: string;
    cell: (row: T) => ComponentChildren;
    num?: boolean;
    /** Class by which it leaves when there is little room. */
    drop?: string;
    /** Value of the list's parameter `sort`, and which way it goes. */
    sort?: string;
    descending?: boolean;
}

interface TableProps<T> {
    label: string;
    caption?: string;
    columns: Column<T>[];
    rows: T[];
    id: (row: T) => string;
    selected?: string | undefined;
    sort?: string | undefined;
    onSort?: (sort: string) => void;
    class?: string;
    slow?: boolean;
}

export function Table<T>({ label, caption, columns, rows, id, selected, sort, onSort, class: extra = '', slow = false }: TableProps<T>) {
    return (
        <div class={slow ? 'scroll is-old' : 'scroll'} tabIndex={0} role="region" aria-label={label}>
            <table class={extra}>
                <caption class="vh">{caption ?? label}</caption>
                <thead><tr>{columns.map((c) => (
                    <th key={c.id} scope="col" class={cls(c)} aria-sort={c.sort && sort === c.sort ? (c.descending ? 'descending' : 'ascending') : undefined}>
                        {c.sort && onSort ? <button type="button" onClick={() => c.sort && onSort(c.sort)}>{c.title}{sort === c.sort && <Icon name={c.descending ? 'down' : 'up'} />}</button> : c.title}
                    </th>))}</tr></thead>
                <tbody>{rows.map((row) => {
                    const key = id(row);
                    return (
                        <tr key={key} data-row class={selected === key ? 'sel' : undefined}>
                            {columns.map((c, i) => i === 0 ? <th key={c.id} scope="row" class={cls(c)}>{c.cell(row)}</th> : <td key={c.id} class={cls(c)}>{c.cell(row)}</td>)}
                        </tr>);
                })}</tbody>
            </table>
        </div>
    );
}

const cls = <T,>(c: Column<T>): string | undefined => [c.drop, c.num ? 'num' : ''].filter(Boolean).join(' ') || undefined;

export interface Paged<T> {
    rows: T[];
    problem: Problem | undefined;
    loading: boolean;
    slow: boolean;
    first: number;
    hasNext: boolean;
    /** The rows are those of another question; the answer to this one is on its way. */
    old: boolean;
    hasBefore: boolean;
    next: () => void;
    before: () => void;
    reload: () => void;
}

/** A list of the server, page by page: what comes and goes meanwhile neither repeats nor vanishes. */
export function usePaged<T>(path: string, query: Query, limit: number): Paged<T> {
    const asked = JSON.stringify(query);
    const [trail, setTrail] = useState<{ asked: string; cursors: string[] }>({ asked, cursors: [] });
    const cursors = useMemo(() => (trail.asked === asked ? trail.cursors : []), [trail, asked]);
    // With its question and its place in the list: while another is on its way, what stands still says where it is from.
    const [page, setPage] = useState<List<T> & { asked: string; at: number }>();
    const [problem, setProblem] = useState<Problem>();
    const [state, setState] = useState({ loading: true, slow: false });
    const [turn, setTurn] = useState(0);

    useEffect(() => {
        const abort = new AbortController();
        setState({ loading: true, slow: false });
        const late = setTimeout(() => setState({ loading: true, slow: true }), 1000);
        get<List<T>>(path, { ...(JSON.parse(asked) as Query), limit, cursor: cursors[cursors.length - 1] }, abort.signal)
            .then((list) => {
                if (abort.signal.aborted) return;
                setPage({ ...list, asked, at: cursors.length });
                setProblem(undefined);
            })
            .catch((error: unknown) => {
                if (!abort.signal.aborted) setProblem(toProblem(error));
            })
            .finally(() => {
                clearTimeout(late);
                if (!abort.signal.aborted) setState({ loading: false, slow: false });
            });
        return () => {
            clearTimeout(late);
            abort.abort();
        };
    }, [path, asked, cursors, limit, turn]);

    // Where an old list goes on says nothing about the one that was asked for since.
    const old = page?.asked !== asked;
    const stands = !old && page?.at === cursors.length;
    const next = page?.next ?? null;
    return {
        rows: page?.items ?? [],
        problem,
        ...state,
        first: (page?.at ?? 0) * limit + 1,
        hasNext: next !== null,
        old,
        hasBefore: cursors.length > 0,
        next: useCallback(() => {
            if (next !== null && stands) setTrail({ asked, cursors: [...cursors, next] });
        }, [next, stands, asked, cursors]),
        before: useCallback(() => setTrail({ asked, cursors: cursors.slice(0, -1) }), [asked, cursors]),
        reload: useCallback(() => setTurn((n) => n + 1), []),
    };
}

export function Pager<T>({ list, total }: { list: Paged<T>; total?: number | undefined }) {
    const last = list.first + list.rows.length - 1;
    if (list.rows.length === 0 && !list.hasBefore) return null;
    return (
        <nav class="pager" aria-label={t('pager.label')}>
            <span>{total !== undefined && total >= last ? t('pager.of', { first: list.first, last, n: total }) : t('pager.range', { first: list.first, last })}</span>
            {(list.hasBefore || list.hasNext) && <>
                <button class="btn" type="button" disabled={!list.hasBefore} onClick={list.before}><Icon name="left" />{t('pager.before')}</button>
                <button class="btn" type="button" disabled={!list.hasNext || list.old} onClick={list.next}>{t('pager.next')}<Icon name="right" /></button></>}
        </nav>
    );
}

interface ColumnsProps {
    all: { id: string; title: string }[];
    shown: string[];
    onShown: (ids: string[]) => void;
}

/** Which columns stand: a small form under its button; the choice stays in the address. */
export function ColumnChoice({ all, shown, onShown }: ColumnsProps) {
    const ref = useRef<HTMLDetailsElement>(null);
    useEffect(() => {
        const away = (e: MouseEvent | KeyboardEvent) => {
            const box = ref.current;
            if (!box?.open) return;
            if (e instanceof KeyboardEvent ? e.key === 'Escape' : !box.contains(e.target as Node)) {
                box.open = false;
                if (e instanceof KeyboardEvent) box.querySelector('summary')?.focus();
            }
        };
        document.addEventListener('click', away);
        document.addEventListener('keydown', away);
        return () => {
            document.removeEventListener('click', away);
            document.removeEventListener('keydown', away);
        };
    }, []);
    return (
        <details class="menu opt-md" ref={ref}>
            <summary class="btn"><Icon name="columns" />{t('table.columns')}</summary>
            <fieldset class="menubox"><legend class="vh">{t('table.columns')}</legend>
                {all.map((c) => <label class="opt" key={c.id}><input type="checkbox" checked={shown.includes(c.id)} onChange={(e) => onShown(e.currentTarget.checked ? all.map((x) => x.id).filter((x) => x === c.id || shown.includes(x)) : shown.filter((x) => x !== c.id))} /><span>{c.title}</span></label>)}
            </fieldset>
        </details>
    );
}
