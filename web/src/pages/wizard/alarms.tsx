/** What needs a person now, how soon it is noticed, and how a monitoring system hears of it. */
import { useCallback, useState } from 'preact/hooks';
import { all, get, send } from '../../api/client';
import type { List, Mode, Setting, Token } from '../../api/types';
import { useAct, useResource } from '../../api/use';
import { alarmsOf, loadFacts, type Alarm } from '../../app/health';
import { t, type Key } from '../../i18n';
import { Callout, Command, Labelled, Trouble, Waiting } from '../../ui/bits';
import { Finding, Foot, type StepProps } from './parts';

interface Watched {
    key: string;
    label: Key;
    help: Key;
}

/** The settings that decide how soon an alarm comes. */
export function watchedIn(mode: Mode): Watched[] {
    const dns: Watched = { key: 'dns.watch-interval', label: 'wizard.alarms.dns', help: 'wizard.alarms.dns.help' };
    if (mode === 'lab') return [dns];
    return [{ key: 'relay.probe-interval', label: 'wizard.alarms.probe', help: 'wizard.alarms.probe.help' },
        { key: 'relay.eject-after', label: 'wizard.alarms.eject', help: 'wizard.alarms.eject.help' }, dns];
}

/** What to do about it from here. */
export function remedyOf(alarm: Pick<Alarm, 'id' | 'act'>): string {
    if (alarm.id === 'no-upstream' || alarm.id.startsWith('up ')) return t('wizard.alarms.fix.hosts');
    if (alarm.id === 'targets' || alarm.id.startsWith('dns ')) return t('wizard.alarms.fix.dns');
    return t('wizard.alarms.fix.later');
}

const tokenName = 'monitoring';
const year = 365;

function Monitoring() {
    const tokens = useResource(useCallback((signal: AbortSignal) => get<List<Token>>('/tokens', {}, signal), []));
    const [fresh, setFresh] = useState('');
    const act = useAct();
    const make = () => void act.run(async () => {
        setFresh((await send<{ token: string }>('POST', '/tokens', { name: tokenName, role: 'viewer', days: year })).token);
    });
    const trouble = act.problem ?? tokens.problem;
    const there = tokens.data?.items.some((x) => x.name === tokenName) ?? false;
    return (
        <section class="spaced5" aria-labelledby="mon"><h2 class="h3" id="mon">{t('wizard.alarms.monitoring')}</h2><p class="muted">{t('wizard.alarms.monitoring.text')}</p>
            <Command text={`curl ${location.origin}/readyz`} />
            {fresh ? <div class="spaced" role="status"><Callout level="ok" title={t('system.tokenOnce')}><Command text={`curl -H "Authorization: Bearer ${fresh}" ${location.origin}/api/v1/status`} /><p class="muted">{t('wizard.alarms.token.made', { days: year })}</p></Callout></div>
                : there ? <p class="muted spaced2">{t('wizard.alarms.token.there', { name: tokenName })}</p>
                    : <p class="spaced2"><button class="btn" type="button" disabled={act.busy || !tokens.data} onClick={make}>{t('wizard.alarms.token.make')}</button></p>}
            {trouble && <div class="spaced2"><Trouble problem={trouble} /></div>}
        </section>
    );
}

export function AlarmsStep({ next, back, mode }: StepProps) {
    const facts = useResource(useCallback(loadFacts, []), 5000);
    const settings = useResource(useCallback((signal: AbortSignal) => all<Setting>('/settings', { limit: 500 }, 5000, signal), []));
    const [typed, setTyped] = useState<Record<string, string>>({});
    const act = useAct();
    const fields = watchedIn(mode).flatMap((w) => (settings.data ?? []).filter((s) => s.key === w.key).map((setting) => ({ ...w, setting })));
    const alarms = facts.data ? alarmsOf(facts.data) : [];
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        const set = fields.filter((f) => (typed[f.key] ?? f.setting.value) !== f.setting.value).map((f) => `${f.key}=${typed[f.key]?.trim() ?? ''}`);
        const done = await act.run(async () => {
            if (set.length > 0) await send('PATCH', '/settings', { set });
        });
        if (done) next();
    };
    const wrong = (key: string): string | undefined => {
        const found = act.problem?.errors.find((f) => f.name === key);
        return found && t('problem.finding', { found: found.found, allowed: found.allowed });
    };
    const elsewhere = act.problem && !fields.some((f) => wrong(f.key)) ? act.problem : undefined;
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5" noValidate>
            {facts.problem && <Trouble problem={facts.problem} again={facts.reload} />}
            {!facts.data && !facts.problem && <Waiting />}
            {facts.data && alarms.length === 0 && <Finding name={t('wizard.alarms.now')} level="ok" state={t('overview.nothing')}><p>{t('wizard.alarms.none')}</p></Finding>}
            {alarms.map((a) => <Finding key={a.id} name={a.title} level={a.level} state={t(`level.${a.level}`)}><p><bdi>{a.detail}</bdi></p>
                <div class="fix"><Callout level={a.level} title={t('wizard.alarms.fix')}><p>{remedyOf(a)}</p></Callout></div></Finding>)}
            <section class="spaced5" aria-labelledby="soon"><h2 class="h3" id="soon">{t('wizard.alarms.soon')}</h2>
                {settings.problem && <Trouble problem={settings.problem} again={settings.reload} />}
                <div class="wform spaced2">{fields.map((f) => <Labelled key={f.key} label={t(f.label)} help={f.setting.fixed ? t('wizard.fixed', { where: f.setting.fixed }) : t(f.help, { value: f.setting.default ?? '' })} error={wrong(f.key)}>{(ids) => <input {...ids} type="text" class="short" spellcheck={false} autocomplete="off" disabled={(f.setting.fixed ?? '') !== ''} value={typed[f.key] ?? f.setting.value ?? ''} onInput={(e) => { const value = e.currentTarget.value; setTyped((old) => ({ ...old, [f.key]: value })); }} />}</Labelled>)}</div></section>
            <Monitoring />
            {elsewhere && <div class="spaced"><Trouble problem={elsewhere} /></div>}
            <Foot back={back} act={t('act.continue')} busy={act.busy} disabled={!settings.data && !settings.problem} />
        </form>
    );
}
