/** Who did what, from where, and what it was before: nothing of it can be changed. */
import { useMemo, useState } from 'preact/hooks';
import type { Audit as Entry, Json } from '../api/types';
import { setQuery } from '../app/router';
import { t, word } from '../i18n';
import type { PageProps } from '.';
import { Empty, Name, Search, Sev, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Dialog } from '../ui/dialog';
import { Diff, type DiffLine } from '../ui/diff';
import { Pager, usePaged } from '../ui/table';

function linesOf(value: Json, kind: 'add' | 'del'): DiffLine[] {
    if (value === null || value === '') return [];
    return (typeof value === 'string' ? value : JSON.stringify(value, null, 2)).split('\n').map((text) => ({ kind, text }));
}

export default function Audit({ query }: PageProps) {
    const list = usePaged<Entry>('/audit', useMemo(() => ({}), []), 100);
    const [open, setOpen] = useState<Entry>();
    useTitle(t('nav.audit'));
    const q = (query.get('q') ?? '').toLowerCase();
    const rows = q ? list.rows.filter((e) => `${e.who} ${e.from} ${e.action} ${e.what} ${e.result}`.toLowerCase().includes(q)) : list.rows;
    return (
        <div class="page"><div class="work cq">
            <div class="head"><h1>{t('nav.audit')}</h1><span class="muted sm">{t('audit.what')}</span></div>
            <form role="search" class="row filterbar" aria-label={t('nav.audit')} onSubmit={(e) => e.preventDefault()}><Search label={t('audit.search')} value={query.get('q') ?? ''} onValue={(v) => setQuery({ q: v })} /></form>
            {list.problem && (list.problem.status === 404 ? <Empty title={t('audit.notHere')}><p>{t('problem.notOffered')}</p></Empty> : <Trouble problem={list.problem} again={list.reload} />)}
            {rows.length === 0 && !list.problem && (list.loading ? <Waiting /> : <Empty title={q ? t('audit.noneFound') : t('audit.none')}><p>{t('audit.none.detail')}</p></Empty>)}
            {rows.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('nav.audit') })}><table><thead><tr><th scope="col">{t('events.time')}</th><th scope="col">{t('audit.who')}</th><th scope="col" class="ca">{t('system.from')}</th><th scope="col">{t('audit.action')}</th><th scope="col" class="cb">{t('audit.result')}</th><th scope="col"><span class="vh">{t('audit.details')}</span></th></tr></thead>
                <tbody>{rows.map((e, i) => <tr key={`${e.time} ${i}`} data-row><td class="nowrap"><Time iso={e.time} /></td><th scope="row"><Name>{e.who}</Name></th><td class="ca">{e.from}</td><td class="cut wide2"><b>{word('auditAction', e.action)}</b> <bdi>{e.what}</bdi></td><td class="cb">{e.result === 'done' || e.result === 'ok' ? <span class="muted">{t('audit.done')}</span> : <Sev level="warn">{e.result}</Sev>}</td>
                    <td class="num">{(e.before !== null || e.after !== null) && <button class="btn bare" type="button" onClick={() => setOpen(e)}>{t('audit.details')}<span class="vh"> {e.what}</span></button>}</td></tr>)}</tbody></table></div>}
            <Pager list={list} />
            {open && <Dialog title={`${word('auditAction', open.action)} ${open.what}`} close={() => setOpen(undefined)} class="is-wide"><p class="sm muted mb2"><bdi>{open.who}</bdi> · {open.from} · <Time iso={open.time} /></p><Diff lines={[...linesOf(open.before, 'del'), ...linesOf(open.after, 'add')]} label={t('settings.difference')} /></Dialog>}
        </div></div>
    );
}
