/** Which system runs, which stands beside it, and how a new one comes there. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { get, send } from '../../api/client';
import type { Slot, Slots, Update } from '../../api/types';
import { Aborted, upload, type Upload } from '../../api/upload';
import { useAct, useResource } from '../../api/use';
import { number, t, tr } from '../../i18n';
import { Callout, Labelled, Sev, Time, Trouble, Waiting } from '../../ui/bits';
import { Confirm } from '../../ui/dialog';
import { sentence } from '../../ui/format';
import { levelOf, mebibytes, systemsOf, type Systems } from './firmware-state';

type Mark = { as: 'good' | 'bad' | 'active'; which: 'booted' | 'other'; slot: Slot };

interface RowProps {
    slot: Slot;
    which: 'booted' | 'other';
    next: Systems['next'];
    mayChange: boolean;
    busy: boolean;
    mark: (mark: Mark) => void;
}

function Row({ slot, which, next, mayChange, busy, mark }: RowProps) {
    const boot = slot.boot ?? slot.name;
    const button = (as: Mark['as']) => <button class="btn" type="button" disabled={busy} onClick={() => mark({ as, which, slot })}>{t(`box.mark.${as}`)}<span class="vh"> {boot}</span></button>;
    return (
        <li><div><h3>{t(which === 'booted' ? 'box.slot.runs' : 'box.slot.beside', { slot: boot })}</h3>
            <p class="row sm spread"><span>{slot.version ? t('box.slot.version', { version: slot.version }) : t('box.slot.nameless')}</span>
                {slot.health === 'good' ? <Sev level="ok">{t('box.slot.good')}</Sev> : slot.health === 'bad' && <Sev level="warn">{t('box.slot.bad')}</Sev>}
                {next === which && <span>{t('box.slot.next')}</span>}
                {slot.installed && <span class="muted">{tr('box.slot.installed', { when: <Time iso={slot.installed} /> })}</span>}</p></div>
            {mayChange && <span class="row">{next !== which && button('active')}{slot.health !== 'good' && button('good')}{which === 'other' && slot.health !== 'bad' && button('bad')}</span>}</li>
    );
}

/** What happened last, in words. */
function Last({ update, systems, mayChange, restart }: { update: Update; systems: Systems; mayChange: boolean; restart: () => void }) {
    if (update.phase === 'installing') return null;
    if (update.phase === 'none') return systems.next === 'other' ? <Callout level="note" title={t('box.update.marked', { slot: systems.other?.boot ?? '' })}>{mayChange && <p class="spaced2"><button class="btn go" type="button" onClick={restart}>{t('box.restartInto', { slot: systems.other?.boot ?? '' })}</button></p>}</Callout> : <p class="muted sm">{t('box.update.none')}</p>;
    const slot = update.slot ?? systems.other?.boot ?? '';
    const what = update.version ? t('box.update.what', { version: update.version }) : t('box.update.nameless');
    return (
        <Callout level={levelOf(update.phase)} title={t(`box.update.${update.phase}`, { what })}>
            {(update.phase === 'failed' || update.phase === 'went-back') && update.words && <p><bdi lang="en">{sentence(update.words)}</bdi></p>}
            <p class="muted">{t(`box.update.${update.phase}.then`, { slot, version: systems.booted?.version ?? systems.booted?.boot ?? '' })}</p>
            {update.phase === 'installed' && mayChange && <p class="spaced2"><button class="btn go" type="button" onClick={restart}>{t('box.restartInto', { slot })}</button></p>}
        </Callout>
    );
}

function Bar({ label, value, max, text }: { label: string; value: number; max: number; text: string }) {
    return <div class="bar"><p class="row sm"><b>{label}</b><span class="muted">{text}</span></p><progress aria-label={label} value={value} max={max} aria-valuetext={text} /></div>;
}

export function FirmwareSection({ mayChange, restart }: { mayChange: boolean; restart: () => void }) {
    const slots = useResource(useCallback((signal: AbortSignal) => get<Slots>('/slots', {}, signal), []));
    const [fast, setFast] = useState(false);
    const update = useResource(useCallback((signal: AbortSignal) => get<Update>('/update', {}, signal), []), fast ? 1000 : 15_000);
    const [file, setFile] = useState<File>();
    const [sent, setSent] = useState<number>();
    const [marking, setMarking] = useState<Mark>();
    const going = useRef<Upload<Update>>();
    const act = useAct();
    const chosen = useRef<HTMLInputElement>(null);
    const phase = update.data?.phase;
    const installs = phase === 'installing';
    useEffect(() => setFast(installs), [installs]);
    const reloadSlots = slots.reload;
    const before = useRef(phase);
    useEffect(() => {
        if (before.current === 'installing' && phase !== 'installing') reloadSlots();
        before.current = phase;
    }, [phase, reloadSlots]);
    useEffect(() => () => going.current?.abort(), []);

    const bring = (e: SubmitEvent) => {
        e.preventDefault();
        if (!file) return;
        void act.run(async () => {
            setSent(0);
            try {
                going.current = upload<Update>('/update', file, setSent);
                await going.current.done;
                setFile(undefined);
                if (chosen.current) chosen.current.value = '';
            } catch (error) {
                if (!(error instanceof Aborted)) throw error;
            } finally {
                going.current = undefined;
                setSent(undefined);
                update.reload();
            }
        });
    };
    const mark = (one: Mark) => void act.run(async () => {
        await send('POST', '/slots/mark', { as: one.as, which: one.which });
        setMarking(undefined);
        slots.reload();
        update.reload();
    });
    const head = <div class="head"><h2 id="fw">{t('box.firmware')}</h2>{slots.data && <span class="muted sm">{slots.data.compatible}</span>}</div>;
    if (!slots.data || !update.data) {
        const problem = slots.problem ?? update.problem;
        return <section class="sect" aria-labelledby="fw">{head}{problem ? <Trouble problem={problem} again={() => { slots.reload(); update.reload(); }} /> : <Waiting />}</section>;
    }
    const systems = systemsOf(slots.data);
    const total = file?.size ?? 0;
    const busy = act.busy || installs;
    const uploaded = sent !== undefined && total > 0 && sent >= total;
    const said = sent === undefined ? '' : uploaded ? t('box.upload.written') : t('box.upload.on');
    return (
        <section class="sect" aria-labelledby="fw">{head}
            <ul class="ways">{systems.booted && <Row slot={systems.booted} which="booted" next={systems.next} mayChange={mayChange} busy={busy} mark={setMarking} />}{systems.other && <Row slot={systems.other} which="other" next={systems.next} mayChange={mayChange} busy={busy} mark={setMarking} />}</ul>
            <div class="spaced" aria-live="polite"><Last update={update.data} systems={systems} mayChange={mayChange} restart={restart} /></div>
            {update.problem && <div class="spaced"><Trouble problem={update.problem} again={update.reload} /></div>}
            {installs && <div class="spaced"><Bar label={t('box.installing')} value={update.data.percent} max={100} text={t('box.installing.at', { n: update.data.percent, words: update.data.words })} /></div>}
            {sent !== undefined && <div class="spaced"><Bar label={t('box.uploading', { name: file?.name ?? '' })} value={Math.min(sent, total)} max={Math.max(1, total)} text={uploaded ? t('box.upload.written') : t('box.upload.at', { sent: number(mebibytes(Math.min(sent, total))), total: number(mebibytes(total)) })} />
                <p class="spaced2"><button class="btn" type="button" onClick={() => going.current?.abort()}>{t('box.upload.stop')}</button></p></div>}
            <p class="vh" role="status">{installs ? t('box.installing') : said}</p>
            {mayChange && !installs && sent === undefined && <form class="spaced wform" onSubmit={bring}>
                <Labelled label={t('box.bundle')} help={t('box.bundle.help', { slot: systems.other?.boot ?? '' })}>{(ids) => <input {...ids} ref={chosen} type="file" accept=".raucb" onChange={(e) => { act.clear(); setFile(e.currentTarget.files?.[0]); }} />}</Labelled>
                <p class="row spaced2"><button class="btn" type="submit" disabled={!file || busy} aria-describedby={file ? undefined : 'fwwhy'}>{t('box.upload')}</button>{!file && <span class="muted sm" id="fwwhy">{t('box.upload.first')}</span>}</p></form>}
            {act.problem && !marking && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {marking && <Confirm title={t(`box.mark.${marking.as}.ask`, { slot: marking.slot.boot ?? '' })} act={t(`box.mark.${marking.as}.act`, { slot: marking.slot.boot ?? '' })} danger={marking.as === 'bad'} busy={act.busy} problem={act.problem} close={() => { act.clear(); setMarking(undefined); }} run={() => mark(marking)}><p>{t(`box.mark.${marking.as}.detail`)}</p></Confirm>}
        </section>
    );
}
