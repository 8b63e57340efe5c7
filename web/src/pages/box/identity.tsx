/** What the box is called, and how late it is there. */
import { useCallback, useState } from 'preact/hooks';
import { clockAhead, get, send } from '../../api/client';
import type { BoxTime } from '../../api/types';
import { useAct, useResource, type Resource } from '../../api/use';
import { t } from '../../i18n';
import { Labelled, Sev, Trouble, Waiting, useTick } from '../../ui/bits';
import { exact, length } from '../../ui/format';
import { toast } from '../../ui/toast';
import { clockOf } from '../clock';
import { listed } from './draft';

export interface HostName {
    hostname: string;
}

const findingOf = (problem: ReturnType<typeof useAct>['problem'], field: string): string | undefined => {
    const found = problem?.errors.filter((e) => e.name.startsWith(field)).map((e) => t('problem.finding', { found: e.found, allowed: e.allowed }));
    return found && found.length > 0 ? found.join('; ') : undefined;
};

export function NameSection({ name, mayChange }: { name: Resource<HostName>; mayChange: boolean }) {
    const [edited, setEdited] = useState<string>();
    const act = useAct();
    const now = name.data?.hostname;
    const typed = edited ?? now ?? '';
    const rename = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            const answer = await send<HostName>('PUT', '/hostname', { hostname: typed.trim() });
            setEdited(undefined);
            name.reload();
            toast(t('box.named', { name: answer.hostname }));
        });
    };
    if (now === undefined) return <section class="sect" aria-labelledby="hn"><div class="head"><h2 id="hn">{t('box.name')}</h2></div>{name.problem ? <Trouble problem={name.problem} again={name.reload} /> : <Waiting />}</section>;
    const wrong = findingOf(act.problem, 'hostname') ?? findingOf(act.problem, '');
    return (
        <section class="sect" aria-labelledby="hn"><div class="head"><h2 id="hn">{t('box.name')}</h2></div>
            <form class="wform" onSubmit={rename}><fieldset class="plainset" disabled={!mayChange || act.busy}><legend class="vh">{t('box.name')}</legend>
                <Labelled label={t('box.hostname')} help={t('box.hostname.help')} error={wrong}>{(ids) => <div class="row nowrapr"><input {...ids} type="text" required maxLength={63} spellcheck={false} autocapitalize="none" autocomplete="off" value={typed} onInput={(e) => setEdited(e.currentTarget.value)} />
                    {mayChange && <button class="btn" type="submit" disabled={typed.trim() === now || typed.trim() === ''}>{t('box.rename')}</button>}</div>}</Labelled></fieldset>
                {act.problem && !wrong && <div class="spaced"><Trouble problem={act.problem} /></div>}</form>
        </section>
    );
}

/** The zones that this browser knows; the box may know more, and says so. */
const zones = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];

interface TimeDraft {
    ntp: boolean;
    servers: string;
    zone: string;
}

const draftOf = (time: BoxTime): TimeDraft => ({ ntp: time.ntp, servers: time.servers.join('\n'), zone: time.zone });
const isSame = (a: TimeDraft, b: TimeDraft): boolean => a.ntp === b.ntp && a.zone.trim() === b.zone && listed(a.servers).join() === listed(b.servers).join();

/** How late it is on the box: its clock goes on with this browser's. */
function Clock({ time }: { time: BoxTime }) {
    useTick(true);
    const ahead = clockAhead();
    const { level, seconds } = clockOf(ahead);
    const now = new Date(Date.now() + (ahead ?? 0));
    return (
        <dl class="kv">
            <dt>{t('box.clock')}</dt><dd><span role="timer">{exact(now)}</span></dd>
            <dt>{t('box.clock.against')}</dt><dd>{level === 'warn' ? <Sev level="warn">{t(ahead !== undefined && ahead > 0 ? 'box.clock.ahead' : 'box.clock.behind', { time: length(seconds) })}</Sev> : <Sev level="ok">{t('box.clock.same')}</Sev>}</dd>
            <dt>{t('box.ntp.state')}</dt><dd>{!time.ntp ? t('box.ntp.off') : time.synchronized ? <Sev level="ok">{t('box.ntp.good')}</Sev> : <Sev level="note">{t('box.ntp.waits')}</Sev>}</dd>
        </dl>
    );
}

export function TimeSection({ mayChange }: { mayChange: boolean }) {
    const time = useResource(useCallback((signal: AbortSignal) => get<BoxTime>('/time', {}, signal), []), 10_000);
    const [edited, setEdited] = useState<TimeDraft>();
    const act = useAct();
    const clock = useAct();
    const head = <div class="head"><h2 id="ti">{t('box.time')}</h2></div>;
    if (!time.data) return <section class="sect" aria-labelledby="ti">{head}{time.problem ? <Trouble problem={time.problem} again={time.reload} /> : <Waiting />}</section>;
    const kept = draftOf(time.data);
    const draft = edited ?? kept;
    const dirty = edited !== undefined && !isSame(edited, kept);
    const save = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            await send('PUT', '/time', { ntp: draft.ntp, servers: listed(draft.servers), zone: draft.zone.trim() });
            setEdited(undefined);
            time.reload();
            toast(t('box.time.saved'));
        });
    };
    const setClock = () => void clock.run(async () => {
        await send('PUT', '/time/clock', { now: `${new Date().toISOString().slice(0, 19)}Z` });
        time.reload();
        toast(t('box.clock.done'));
    });
    const servers = findingOf(act.problem, 'servers');
    const zone = findingOf(act.problem, 'zone');
    return (
        <section class="sect" aria-labelledby="ti">{head}
            <Clock time={time.data} />
            {time.problem && <div class="spaced"><Trouble problem={time.problem} again={time.reload} /></div>}
            <form class="spaced" onSubmit={save}><fieldset class="plainset" disabled={!mayChange || act.busy}><legend class="vh">{t('box.time')}</legend>
                <label class="opt"><input type="checkbox" checked={draft.ntp} onChange={(e) => setEdited({ ...draft, ntp: e.currentTarget.checked })} /><span>{t('box.ntp')}</span></label>
                <div class="cols spaced2">
                    <Labelled label={t('box.servers')} help={t('box.servers.help')} error={servers}>{(ids) => <textarea {...ids} class="mono sm" rows={2} disabled={!draft.ntp} spellcheck={false} autocapitalize="none" value={draft.servers} onInput={(e) => setEdited({ ...draft, servers: e.currentTarget.value })} />}</Labelled>
                    <Labelled label={t('box.zone')} help={t('box.zone.help')} error={zone}>{(ids) => <><input {...ids} type="text" list="zones" required spellcheck={false} autocapitalize="none" autocomplete="off" value={draft.zone} onInput={(e) => setEdited({ ...draft, zone: e.currentTarget.value })} /><datalist id="zones">{zones().map((one) => <option key={one} value={one} />)}</datalist></>}</Labelled>
                </div></fieldset>
                {act.problem && !servers && !zone && <div class="spaced"><Trouble problem={act.problem} /></div>}
                {mayChange && <div class="row spaced"><button class="btn go" type="submit" disabled={!dirty || act.busy}>{t('box.time.save')}</button>
                    {dirty && <button class="btn" type="button" disabled={act.busy} onClick={() => { setEdited(undefined); act.clear(); }}>{t('box.discard')}</button>}
                    <span class="gap row"><button class="btn" type="button" disabled={time.data.ntp || clock.busy} aria-describedby="clockwhy" onClick={setClock}>{t('box.clock.set')}</button></span></div>}
                {mayChange && <p class="muted sm spaced2" id="clockwhy">{t(time.data.ntp ? 'box.clock.why' : 'box.clock.how')}</p>}
                {clock.problem && <div class="spaced"><Trouble problem={clock.problem} /></div>}
            </form>
        </section>
    );
}
