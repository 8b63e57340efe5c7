/** Who did what, from where, and what it was before: nothing of it can be changed. */
import { useMemo, useState } from 'preact/hooks';
import type { Audit as Entry, Json } from '../api/types';
import { setQuery } from '../app/router';
import { has, t, word } from '../i18n';
import type { PageProps } from '.';
import { Empty, Name, Search, Sev, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Dialog } from '../ui/dialog';
import { Diff, type DiffLine } from '../ui/diff';
import { Pager, usePaged } from '../ui/table';

/** "PATCH /users/{name}" in words; what the catalogue does not know stays as it is. */
export const actionOf = (e: Pick<Entry, 'action'>): string => (has(`auditAction.${e.action}`) ? word('auditAction', e.action) : e.action);

const flat = (value: Json): string => (value === null ? '' : Array.isArray(value) ? value.map(flat).join(', ') : typeof value === 'object' ? Object.values(value).map(flat).filter(Boolean).join(', ') : String(value));

/** "Removed user: bob"; where nothing is named, nothing is announced either. */
const said = (e: Entry): string => (objectOf(e) === '' ? actionOf(e).replace(/:$/, '') : actionOf(e));

/** What it was done to: what the path names; else the names in what came of it. */
export function objectOf(e: Pick<Entry, 'what' | 'before' | 'after'>): string {
    const named = typeof e.what === 'string' ? e.what : Object.values(e.what).map(flat).join(', ');
    if (named !== '') return named;
    for (const value of [e.after, e.before]) {
        if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
        const own = value['name'] ?? value['domain'] ?? value['key'] ?? value['mode'];
        if (typeof own === 'string') return own;
        if (Object.keys(value).length > 0) return Object.keys(value).join(', ');
    }
    return '';
}

function linesOf(value: Json | undefined, kind: 'add' | 'del'): DiffLine[] {
    if (value === undefined || value === null || value === '') return [];
    return (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).split('\n').map((text) => ({ kind, text }));
}

const good = (e: Entry): boolean => e.result === 'done' || e.result === 'ok';

export default function Audit({ query }: PageProps) {
    const list = usePaged<Entry>('/audit', useMemo(() => ({}), []), 100);
    const [open, setOpen] = useState<Entry>();
    useTitle(t('nav.audit'));
    const q = (query.get('q') ?? '').toLowerCase();
    const rows = q ? list.rows.filter((e) => `${e.who} ${e.from} ${e.action} ${actionOf(e)} ${objectOf(e)} ${e.result}`.toLowerCase().includes(q)) : list.rows;
    return (
        <div class="page"><div class="work cq">
            <div class="head"><h1>{t('nav.audit')}</h1><span class="muted sm">{t('audit.what')}</span></div>
            <form role="search" class="row filterbar" aria-label={t('nav.audit')} onSubmit={(e) => e.preventDefault()}><Search label={t('audit.search')} value={query.get('q') ?? ''} onValue={(v) => setQuery({ q: v })} /></form>
            {list.problem && (list.problem.status === 404 ? <Empty title={t('audit.notHere')}><p>{t('problem.notOffered')}</p></Empty> : <Trouble problem={list.problem} again={list.reload} />)}
            {rows.length === 0 && !list.problem && (list.loading ? <Waiting /> : <Empty title={q ? t('audit.noneFound') : t('audit.none')}><p>{t(q ? 'audit.noneFound.detail' : 'audit.none.detail')}</p>{q && <p><a class="btn" href="/audit">{t('clients.clear')}</a></p>}</Empty>)}
            {rows.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('nav.audit') })}><table><thead><tr><th scope="col">{t('events.time')}</th><th scope="col">{t('audit.who')}</th><th scope="col" class="ca">{t('system.from')}</th><th scope="col">{t('audit.action')}</th><th scope="col" class="cb">{t('audit.result')}</th><th scope="col"><span class="vh">{t('audit.details')}</span></th></tr></thead>
                <tbody>{rows.map((e) => <tr key={e.number} data-row><td class="nowrap"><Time iso={e.time} /></td><th scope="row"><Name>{e.who}</Name></th><td class="ca nowrap">{e.from || <span class="dim">{t('audit.console')}</span>}</td><td class="cut wide2"><b>{said(e)}</b> <bdi>{objectOf(e)}</bdi>{e.count > 1 && <span class="muted"> {t('audit.times', { n: e.count })}</span>}{!good(e) && e.detail && <span class="muted"> · <bdi>{e.detail}</bdi></span>}</td><td class="cb">{good(e) ? <span class="muted">{t('audit.done')}</span> : <Sev level="warn">{word('auditResult', e.result)}</Sev>}</td>
                    <td class="num">{(e.detail || linesOf(e.before, 'del').length + linesOf(e.after, 'add').length > 0) && <button class="btn bare" type="button" onClick={() => setOpen(e)}>{t('audit.details')}<span class="vh"> {said(e)} {objectOf(e)}</span></button>}</td></tr>)}</tbody></table></div>}
            <Pager list={list} />
            {open && <Dialog title={<>{said(open)} <bdi>{objectOf(open)}</bdi></>} close={() => setOpen(undefined)} class="is-wide"><p class="sm muted mb2"><bdi>{open.who}</bdi> · {open.from || t('audit.console')} · <Time iso={open.time} />{actionOf(open) !== open.action && <> · <code>{open.action}</code></>}</p>{!good(open) && <p class="mb2"><Sev level="warn">{word('auditResult', open.result)}</Sev></p>}{open.detail && <p class="mb2"><bdi>{open.detail}</bdi></p>}
                <Diff lines={[...linesOf(open.before, 'del'), ...linesOf(open.after, 'add')]} label={t('settings.difference')} /></Dialog>}
        </div></div>
    );
}
