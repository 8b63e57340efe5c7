/** Settings: forms made from their schemas, changes gathered, every application a revision that can be compared and reverted. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { all, get, getText, part, send } from '../api/client';
import type { Finding } from '../api/problem';
import { may, useSession } from '../api/session';
import type { List, Revision, Setting } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { setGuard, setQuery } from '../app/router';
import { has, t, tr, word } from '../i18n';
import type { PageProps } from '.';
import { Command, Empty, Search, Sev, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Confirm, Dialog } from '../ui/dialog';
import { Diff, parseDiff } from '../ui/diff';
import { Field } from '../ui/field';
import { Icon } from '../ui/icons';
import { labelOf, sectionOf } from '../ui/schema';
import { toast } from '../ui/toast';

/** What was changed and is not applied: the new notation, or null to go back to the default. */
export type Changes = Record<string, string | null>;

/** What takes these changes back where no revision stands before them: what was set is set, what was not is not. */
export function reverse(list: Pick<Setting, 'key' | 'source' | 'value'>[], keys: string[]): { set?: string[]; unset?: string[] } {
    const set: string[] = [];
    const unset: string[] = [];
    for (const s of list.filter((x) => keys.includes(x.key)))
        if (s.source === 'default' || s.source === 'not set' || s.value === undefined) unset.push(s.key);
        else set.push(`${s.key}=${s.value}`);
    return { ...(set.length > 0 ? { set } : {}), ...(unset.length > 0 ? { unset } : {}) };
}

const sectionTitle = (section: string): string => (has(`section.${section}`) ? word('section', section) : section);

function Revisions({ list, reload, chosen }: { list: Revision[]; reload: () => void; chosen: number }) {
    const { session } = useSession();
    const admin = may(session, 'admin');
    const [reverting, setReverting] = useState(false);
    const act = useAct();
    const newest = list[0]?.number ?? 0;
    const at = list.find((r) => r.number === chosen);
    const diff = useResource(useCallback((signal: AbortSignal) => {
        if (!chosen) return Promise.resolve('');
        return chosen === newest && chosen > 1 ? getText(`/revisions/${chosen - 1}`, { to: chosen }, signal) : getText(`/revisions/${chosen}`, { diff: true }, signal);
    }, [chosen, newest]));
    return (
        <>
            <section><h2 class="mb2">{t('settings.revisions')}</h2>
                {list.length === 0 ? <p class="muted">{t('settings.noRevisions')}</p>
                    : <table><thead><tr><th scope="col">{t('settings.number')}</th><th scope="col">{t('settings.by')}</th><th scope="col" class="num">{t('settings.when')}</th></tr></thead>
                        <tbody>{list.slice(0, 12).map((r) => <tr key={r.number} class={r.number === chosen ? 'sel' : undefined}><th scope="row"><a href={`?revision=${r.number}`} aria-current={r.number === chosen ? 'true' : undefined} title={r.comment}>{r.number}</a>{r.number === newest && <span class="dim"> {t('settings.inUse')}</span>}</th><td class="cut">{r.author}</td><td class="num"><Time iso={r.when} /></td></tr>)}</tbody></table>}</section>
            {at && <section><div class="head"><h2>{chosen === newest && chosen === 1 ? t('settings.first') : chosen === newest ? t('settings.diffOf', { a: chosen - 1, b: chosen }) : t('settings.diffSince', { n: chosen })}</h2>
                {chosen !== newest && <button class="btn gap" type="button" disabled={!admin} onClick={() => { act.clear(); setReverting(true); }}><Icon name="undo" />{t('settings.revert', { n: chosen })}</button>}</div>
                <p class="muted mb2"><bdi>{at.comment}</bdi></p>
                {diff.problem && <Trouble problem={diff.problem} again={diff.reload} />}
                {diff.data !== undefined && !(chosen === newest && chosen === 1) && (parseDiff(diff.data).length === 0 ? <p class="muted">{t('settings.noDifference')}</p> : <Diff lines={parseDiff(diff.data)} label={t('settings.difference')} />)}
                <p class="muted spaced2">{t('settings.revert.help')}</p></section>}
            <section><h2 class="mb2">{t('settings.file')}</h2><p class="muted">{t('settings.file.text')}</p><Command text="musterctl revision list" /></section>
            {reverting && <Confirm title={t('settings.revert.title', { n: chosen })} danger={false} act={t('settings.revert', { n: chosen })} busy={act.busy} problem={act.problem} close={() => setReverting(false)} run={() => void act.run(async () => { await send('POST', `/revisions/${chosen}/restore`, {}); setReverting(false); toast(t('settings.reverted', { n: chosen })); reload(); })}><p>{t('settings.revert.help')}</p></Confirm>}
        </>
    );
}

export default function Settings({ params, query }: PageProps) {
    const { session } = useSession();
    const { reload: health } = useHealth();
    const admin = may(session, 'admin');
    const settings = useResource(useCallback((signal: AbortSignal) => all<Setting>('/settings', { limit: 500 }, 5000, signal), []));
    const revisions = useResource(useCallback((signal: AbortSignal) => get<List<Revision>>('/revisions', { limit: 100 }, signal), []));
    const [changes, setChanges] = useState<Changes>({});
    const [findings, setFindings] = useState<Finding[]>([]);
    const [comparing, setComparing] = useState(false);
    const act = useAct();
    useTitle(t('nav.settings'));
    const list = useMemo(() => settings.data ?? [], [settings.data]);
    const sections = useMemo(() => [...new Set(list.map((s) => sectionOf(s.key)))], [list]);
    const section = params['section'] ?? sections[0] ?? '';
    const q = (query.get('q') ?? '').toLowerCase();
    const shown = q ? list.filter((s) => `${s.key} ${labelOf(s.key)} ${s.help}`.toLowerCase().includes(q)) : list.filter((s) => sectionOf(s.key) === section);
    const count = Object.keys(changes).length;
    const newest = revisions.data?.items[0]?.number ?? 0;

    useEffect(() => {
        if (count === 0) return undefined;
        setGuard(() => location.pathname.startsWith('/settings') && confirm(t('settings.leave')));
        const away = (e: BeforeUnloadEvent) => e.preventDefault();
        addEventListener('beforeunload', away);
        return () => {
            setGuard(undefined);
            removeEventListener('beforeunload', away);
        };
    }, [count]);

    const change = (key: string, value: string | null | undefined) => {
        setChanges((old) => {
            if (value !== undefined) return { ...old, [key]: value };
            return Object.fromEntries(Object.entries(old).filter(([k]) => k !== key));
        });
        setFindings((old) => old.filter((f) => f.name !== key));
    };
    const reload = () => {
        settings.reload();
        revisions.reload();
        health();
    };
    const apply = (e?: SubmitEvent) => {
        e?.preventDefault();
        if (count === 0) return;
        const set = Object.entries(changes).filter((x): x is [string, string] => x[1] !== null).map(([k, v]) => `${k}=${v}`);
        const unset = Object.entries(changes).filter(([, v]) => v === null).map(([k]) => k);
        void act.run(async () => {
            try {
                const done = await send<{ revision: number }>('PATCH', '/settings', { ...(set.length > 0 ? { set } : {}), ...(unset.length > 0 ? { unset } : {}), ...(newest > 0 ? { revision: newest } : {}) });
                setChanges({});
                setFindings([]);
                setComparing(false);
                const back = newest > 0 ? undefined : reverse(list, Object.keys(changes));
                toast(t('settings.applied', { n: done.revision }), () => void (back ? send('PATCH', '/settings', back) : send('POST', `/revisions/${newest}/restore`, {})).then(reload, reload));
                reload();
            } catch (error) {
                setFindings((error as { errors?: Finding[] }).errors ?? []);
                throw error;
            }
        });
    };
    const wrong = Object.keys(changes).filter((k) => findings.some((f) => f.name === k || f.name.startsWith(`${k}.`) || f.name.startsWith(`${k}[`))).length;
    const compared = Object.entries(changes).flatMap(([key, value]) => {
        const s = list.find((x) => x.key === key);
        return [{ kind: 'head' as const, text: key }, { kind: 'del' as const, text: s?.secret ? '…' : (s?.value ?? '') }, { kind: 'add' as const, text: s?.secret ? '…' : (value ?? `${s?.default ?? ''}  (${t('settings.default')})`) }];
    });
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.settings')}</h1>{revisions.data?.items[0] && <span class="muted sm">{tr('settings.revisionOf', { n: revisions.data.items[0].number, time: <Time iso={revisions.data.items[0].when} /> })}</span>}
                <form role="search" class="gap row" aria-label={t('nav.settings')} onSubmit={(e) => e.preventDefault()}><Search label={t('settings.find')} value={query.get('q') ?? ''} onValue={(v) => setQuery({ q: v })} /></form></div>
            <nav class="tabs" aria-label={t('settings.sections')}>{sections.map((s) => { const n = Object.keys(changes).filter((k) => sectionOf(k) === s).length; return <a key={s} href={`/settings/${part(s)}`} aria-current={!q && s === section ? 'true' : undefined}>{sectionTitle(s)}{n > 0 && <span class="c"> {n}</span>}</a>; })}</nav>
            {settings.problem && <Trouble problem={settings.problem} again={settings.reload} />}
            {!settings.data && !settings.problem && <Waiting />}
            {!admin && <p class="mb"><Sev level="note">{t('settings.readOnly')}</Sev></p>}
            <form onSubmit={apply} noValidate>
                <h2 class="vh">{q ? t('settings.found', { n: shown.length }) : sectionTitle(section)}</h2>
                {shown.map((s) => <Field key={s.key} setting={s} change={changes[s.key]} onChange={(v) => change(s.key, v)} findings={findings.filter((f) => f.name === s.key || f.name.startsWith(`${s.key}.`) || f.name.startsWith(`${s.key}[`))} readOnly={!admin} />)}
                {settings.data && shown.length === 0 && <Empty title={t('settings.nothing')}><p><a href="/settings">{t('clients.clear')}</a></p></Empty>}
                {act.problem && !comparing && <div class="spaced"><Trouble problem={act.problem} /></div>}
                {count > 0 && <div class="dirty" role="region" aria-label={t('settings.pending')}><b>{t('settings.changes', { n: count })}</b>{wrong > 0 && <span class="sm"><Sev level="crit">{t('settings.wrong', { n: wrong })}</Sev></span>}
                    <span class="gap row"><button class="btn bare" type="button" onClick={() => { const kept = changes; setChanges({}); setFindings([]); act.clear(); toast(t('settings.discarded', { n: count }), () => setChanges(kept)); }}>{t('settings.discard')}</button><button class="btn" type="button" onClick={() => setComparing(true)}>{t('settings.compare')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('settings.apply', { n: newest + 1 })}</button></span></div>}
            </form>
            {comparing && <Dialog title={t('settings.changes', { n: count })} close={() => setComparing(false)} class="is-wide"><Diff lines={compared} label={t('settings.difference')} />{act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced"><button class="btn" type="button" onClick={() => setComparing(false)}>{t('act.back')}</button><button class="btn go" type="button" disabled={act.busy} onClick={() => apply()}>{t('settings.apply', { n: newest + 1 })}</button></div></Dialog>}
        </div><aside class="margin" aria-label={t('settings.revisions')}>
            {revisions.problem ? <Trouble problem={revisions.problem} again={revisions.reload} /> : <Revisions list={revisions.data?.items ?? []} reload={reload} chosen={Number(query.get('revision')) || newest} />}</aside></div>
    );
}
