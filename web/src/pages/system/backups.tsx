/** Backups: those that are here, one more, checked, restored; and the newest offered where something was lost. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { begun, begunAnew } from '../../api/anew';
import { address, get, part, send, sendFile } from '../../api/client';
import { useSession } from '../../api/session';
import type { Backup, List } from '../../api/types';
import { useAct, useResource } from '../../api/use';
import { useHealth } from '../../app/health';
import { setQuery } from '../../app/router';
import { t } from '../../i18n';
import { Callout, Empty, Labelled, Name, Sev, Time, Trouble, Waiting } from '../../ui/bits';
import { Confirm, Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icons';
import { toast } from '../../ui/toast';
import { partName, passwordWrong } from '../backup-words';

const parts = ['settings', 'pool', 'lab', 'relay', 'dns', 'audit', 'accounts', 'keys'] as const;
const secret = (name: string): boolean => name === 'accounts' || name === 'keys';

/** "3.4 MiB", at least one KiB. */
function octets(size: number): string {
    const large = size >= 1 << 20;
    return `${(size / (large ? 1 << 20 : 1 << 10)).toLocaleString(undefined, { maximumFractionDigits: large ? 1 : 0 })} ${large ? 'MiB' : 'KiB'}`;
}

function Choice({ from, chosen, choose }: { from: readonly string[]; chosen: string[]; choose: (parts: string[]) => void }) {
    return (
        <fieldset class="spaced"><legend>{t('backup.parts')}</legend>
            {from.map((name) => <label key={name} class="opt"><input type="checkbox" checked={chosen.includes(name)} onChange={(e) => choose(e.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))} /><span>{partName(name)}</span></label>)}
        </fieldset>
    );
}

function Make({ done, close }: { done: () => void; close: () => void }) {
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const [wrong, setWrong] = useState('');
    const [all, setAll] = useState(true);
    const [chosen, setChosen] = useState<string[]>(parts.filter((name) => !secret(name)));
    const act = useAct();
    const make = (e: SubmitEvent) => {
        e.preventDefault();
        const bad = passwordWrong(password, again);
        setWrong(bad);
        if (bad) return;
        void act.run(async () => {
            const made = await send<Backup>('POST', '/backups', { ...(all ? {} : { parts: chosen }), ...(password === '' ? {} : { password }) });
            toast(t('backup.made', { name: made.name }));
            done();
        });
    };
    return (
        <Dialog title={t('backup.make')} close={close}><form onSubmit={make}>
            <Labelled label={t('backup.password')} help={t('backup.password.help')} error={wrong || undefined}>{(ids) => <input {...ids} type="password" autocomplete="new-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>
            {password !== '' && <Labelled label={t('wizard.again')}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={again} onInput={(e) => setAgain(e.currentTarget.value)} />}</Labelled>}
            <label class="opt spaced2"><input type="checkbox" checked={all} onChange={(e) => setAll(e.currentTarget.checked)} /><span>{t('backup.everything')}</span></label>
            {!all && <Choice from={parts.filter((name) => password !== '' || !secret(name))} chosen={chosen} choose={setChosen} />}
            {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
            <div class="row end spaced5"><button class="btn" type="button" onClick={close}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy || (!all && chosen.length === 0)}>{t('backup.make')}</button></div></form></Dialog>
    );
}

/** Asks for the password where one is needed, says what comes of it, and does nothing before that. */
function Restore({ backup, done, close }: { backup: Backup; done: () => void; close: () => void }) {
    const [password, setPassword] = useState('');
    const [chosen, setChosen] = useState<string[]>(backup.kind === 'before-restore' ? backup.parts : backup.parts.filter((name) => name !== 'audit'));
    const [aside, setAside] = useState('');
    const act = useAct();
    const { renew } = useSession();
    const health = useHealth();
    const sealed = backup.encrypted && backup.kind !== 'before-restore';
    const restore = () => void act.run(async () => {
        const before = await begun();
        const answer = await send<{ aside: string }>('POST', `/backups/${part(backup.name)}/restore`, { parts: chosen, ...(password === '' ? {} : { password }) });
        setAside(answer.aside);
        await begunAnew(before);
        await renew();
        health.reload();
        toast(t('backup.restored', { name: backup.name, aside: answer.aside }));
        done();
    }).then((good) => good || setAside(''));
    return (
        <Confirm title={t('backup.restore.ask', { name: backup.name })} act={t('backup.restore')} type={backup.name} busy={act.busy || chosen.length === 0} problem={act.problem} close={close} run={restore}>
            <p>{t('backup.restore.detail')}</p>
            <Choice from={backup.parts} chosen={chosen} choose={setChosen} />
            {chosen.includes('accounts') && <p class="muted sm">{t('backup.restore.sessions')}</p>}
            {sealed && <Labelled label={t('backup.password')} help={t('backup.password.its')}>{(ids) => <input {...ids} type="password" autocomplete="off" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>}
            <div role="status">{aside && <span class="live"><span class="dot" />{t('backup.restoring', { aside })}</span>}</div>
        </Confirm>
    );
}

function Check({ backup, done, close }: { backup: Backup; done: () => void; close: () => void }) {
    const [password, setPassword] = useState('');
    const act = useAct();
    const check = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            await send('POST', `/backups/${part(backup.name)}/check`, password === '' ? {} : { password });
            toast(t('backup.good', { name: backup.name }));
            done();
        });
    };
    return (
        <Dialog title={t('backup.check.ask', { name: backup.name })} close={close}><form onSubmit={check}>
            <p class="muted">{t('backup.check.detail')}</p>
            {backup.encrypted && <Labelled label={t('backup.password')} help={t('backup.password.its')}>{(ids) => <input {...ids} type="password" autocomplete="off" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>}
            {backup.leftOut.length > 0 && <p class="muted sm spaced2">{t('backup.without', { parts: backup.leftOut.map((left) => partName(left.part)).join(', ') })}</p>}
            {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
            <div class="row end spaced5"><button class="btn" type="button" onClick={close}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('backup.check')}</button></div></form></Dialog>
    );
}

function State({ backup }: { backup: Backup }) {
    if (backup.problem) return <Sev level="crit">{backup.problem}</Sev>;
    if (backup.kind === 'before-restore') return <span class="muted">{t('backup.aside')}</span>;
    return backup.verified ? <Sev level="ok">{t('backup.verified')}</Sev> : <Sev level="note">{t('backup.unverified')}</Sev>;
}

/** @param offer whether somebody came here to restore the newest one */
export function Backups({ offer }: { offer: boolean }) {
    const { facts } = useHealth();
    const list = useResource(useCallback((signal: AbortSignal) => get<List<Backup>>('/backups', {}, signal), []));
    const [making, setMaking] = useState(false);
    const [restoring, setRestoring] = useState<Backup>();
    const [checking, setChecking] = useState<Backup>();
    const [removing, setRemoving] = useState<Backup>();
    const act = useAct();
    const bring = (e: Event & { currentTarget: HTMLInputElement }) => {
        const input = e.currentTarget;
        const file = input.files?.[0];
        if (!file) return;
        void act.run(async () => {
            const made = await sendFile<Backup>('/backups/file', file);
            toast(t('backup.brought', { name: made.name }));
            list.reload();
        }).finally(() => { input.value = ''; });
    };
    const newest = list.data?.items.find((b) => b.newest);
    const head = useRef<HTMLHeadingElement>(null);
    const loaded = list.data !== undefined;
    useEffect(() => {
        if (!offer || !loaded) return;
        setQuery({ restore: undefined });
        head.current?.scrollIntoView();
        setRestoring(newest);
    }, [offer, loaded, newest]);
    return (
        <section class="sect" aria-labelledby="bk"><div class="head"><h2 id="bk" ref={head}>{t('backup.title')}</h2><button class="btn gap" type="button" onClick={() => setMaking(true)}><Icon name="plus" />{t('backup.make')}</button></div>
            <p class="muted sm">{t('backup.what')}</p>
            {facts?.status.degraded && <Callout level="crit" title={t('backup.degraded')}><p>{newest ? t('backup.degraded.offer', { name: newest.name }) : t('backup.degraded.none')}</p>
                {newest && <p class="spaced2"><button class="btn go" type="button" onClick={() => setRestoring(newest)}>{t('backup.restore.newest')}</button></p>}</Callout>}
            {list.problem && !list.data && (list.problem.status === 404 ? <p class="muted">{t('problem.notOffered')}</p> : <Trouble problem={list.problem} again={list.reload} />)}
            {!list.data && !list.problem && <Waiting />}
            {list.data && list.data.items.length === 0 && <Empty title={t('backup.none')}><p>{t('backup.none.detail')}</p></Empty>}
            {list.data && list.data.items.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('backup.title') })}><table><thead><tr><th scope="col">{t('backup.name')}</th><th scope="col">{t('backup.state')}</th><th scope="col" class="opt-md">{t('backup.parts')}</th><th scope="col" class="num opt-md">{t('backup.size')}</th><th scope="col" class="num opt-md">{t('backup.when')}</th><th scope="col"><span class="vh">{t('backup.acts')}</span></th></tr></thead>
                <tbody>{list.data.items.map((b) => <tr key={b.name}><th scope="row"><Name>{b.name}</Name></th><td class="cut"><State backup={b} />{b.encrypted && <span class="muted"> {t('backup.encrypted')}</span>}</td><td class="opt-md cut">{b.parts.map(partName).join(', ')}</td><td class="num nowrap opt-md">{octets(b.size)}</td><td class="num nowrap opt-md">{b.made ? <Time iso={b.made} /> : '–'}</td>
                    <td class="num nowrap">{b.kind !== 'before-restore' && <><button class="btn bare" type="button" onClick={() => setChecking(b)}>{t('backup.check')}<span class="vh"> {b.name}</span></button><a class="btn bare" href={address(`/backups/${part(b.name)}/file`)} download={b.name}>{t('backup.fetch')}<span class="vh"> {b.name}</span></a></>}<button class="btn bare" type="button" onClick={() => setRestoring(b)}>{t('backup.restore')}<span class="vh"> {b.name}</span></button><button class="btn bare" type="button" onClick={() => { act.clear(); setRemoving(b); }}>{t('act.remove')}<span class="vh"> {b.name}</span></button></td></tr>)}</tbody></table></div>}
            <div class="spaced5"><Labelled label={t('backup.bring')} help={t('backup.bring.help')}>{(ids) => <input {...ids} type="file" accept=".backup" disabled={act.busy} onChange={bring} />}</Labelled></div>
            {act.problem && !removing && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {making && <Make close={() => setMaking(false)} done={() => { setMaking(false); list.reload(); }} />}
            {restoring && <Restore backup={restoring} close={() => setRestoring(undefined)} done={() => { setRestoring(undefined); list.reload(); }} />}
            {checking && <Check backup={checking} close={() => { setChecking(undefined); list.reload(); }} done={() => { setChecking(undefined); list.reload(); }} />}
            {removing && <Confirm title={t('backup.remove.ask', { name: removing.name })} act={t('backup.remove')} type={removing.name} busy={act.busy} problem={act.problem} close={() => setRemoving(undefined)} run={() => void act.run(async () => { await send('DELETE', `/backups/${part(removing.name)}`); setRemoving(undefined); list.reload(); })}><p>{t('backup.remove.detail')}</p></Confirm>}
        </section>
    );
}
