/** First run: from the code on the console to an appliance that serves. Each step says what it found and how to mend it. */
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { begunAnew } from '../api/anew';
import { clockAhead, enter, get, part, send, sendText } from '../api/client';
import { toProblem, type Problem } from '../api/problem';
import { useSession } from '../api/session';
import type { DnsChange, DnsView, Domain, LabKey, List, Mode, Plugin, Session, Status, Upstream } from '../api/types';
import { useAct, useResource } from '../api/use';
import { BareTop } from '../app/frame';
import { go } from '../app/router';
import { t, word, type Key } from '../i18n';
import { Callout, Command, Labelled, Name, Sev, Trouble, useTitle, Waiting } from '../ui/bits';
import { Diff } from '../ui/diff';
import { length, sentence } from '../ui/format';
import { linesOf, standsAlready } from '../ui/plan';
import { Icon } from '../ui/icons';
import { quote } from '../ui/schema';
import { SealKey } from '../ui/seal';
import { clockOf } from './clock';
import { minimumPassword, passwordProblem } from './password';
import { Enrol } from './second-factor';
import { conditionOf } from './upstream-state';
import { AlarmsStep } from './wizard/alarms';
import { BackupStep } from './wizard/backup';
import { Finding, Foot, type StepProps } from './wizard/parts';

type Step = 'admin' | 'factor' | 'mode' | 'check' | 'hosts' | 'key' | 'dns' | 'alarms' | 'backup' | 'done';

export function stepsFor(mode: Mode): Step[] {
    return mode === 'lab'
        ? ['admin', 'factor', 'mode', 'check', 'key', 'alarms', 'backup', 'done']
        : ['admin', 'factor', 'mode', 'check', 'hosts', 'dns', 'alarms', 'backup', 'done'];
}

const stepTitle: Record<Step, Key> = { admin: 'wizard.admin', factor: 'system.second', mode: 'wizard.mode', check: 'wizard.check', hosts: 'wizard.hosts', key: 'wizard.key', dns: 'wizard.dns', alarms: 'wizard.alarms', backup: 'wizard.backup', done: 'wizard.done' };
const stepHelp: Record<Step, [Key, Key][]> = {
    admin: [['wizard.help.code', 'wizard.help.code.text'], ['wizard.help.password', 'wizard.help.password.text']],
    factor: [['wizard.help.factor', 'wizard.help.factor.text'], ['factor.lost', 'factor.lost.detail']],
    mode: [['wizard.help.mode', 'wizard.help.mode.text'], ['wizard.help.later', 'wizard.help.later.text']],
    check: [['wizard.help.check', 'wizard.help.check.text']],
    hosts: [['wizard.help.why', 'wizard.help.why.text'], ['wizard.help.which', 'wizard.help.which.text'], ['wizard.help.nothing', 'wizard.help.nothing.text']],
    key: [['wizard.help.key', 'wizard.help.key.text']],
    dns: [['wizard.help.dns', 'wizard.help.dns.text'], ['wizard.help.others', 'wizard.help.others.text']],
    alarms: [['wizard.help.alarms', 'wizard.help.alarms.text'], ['wizard.help.watch', 'wizard.help.watch.text']],
    backup: [['wizard.help.backup', 'wizard.help.backup.text'], ['wizard.help.restore', 'wizard.help.restore.text']],
    done: [['wizard.help.first', 'wizard.help.first.text']],
};

function Admin({ next }: StepProps) {
    const { renew } = useSession();
    const [code, setCode] = useState('');
    const [name, setName] = useState('admin');
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const [wrong, setWrong] = useState<{ field: 'code' | 'password' | 'again'; text: string }>();
    const [problem, setProblem] = useState<Problem>();
    const [busy, setBusy] = useState(false);
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        const bad = passwordProblem(password, again);
        if (bad) {
            setWrong({ field: bad === 'wizard.password.short' ? 'password' : 'again', text: t(bad, { n: minimumPassword }) });
            return;
        }
        setBusy(true);
        setWrong(undefined);
        setProblem(undefined);
        try {
            const session = await enter<Session>('/setup', { code: code.trim(), name: name.trim(), password });
            go('/setup', true);
            next();
            await renew(session);
        } catch (thrown) {
            const said = toProblem(thrown);
            if (said.status === 401 || said.status === 403) setWrong({ field: 'code', text: t('wizard.code.wrong') });
            else if (said.status === 429) setWrong({ field: 'code', text: t('login.wait', { n: said.retryAfter || 30 }) });
            else setProblem(said);
        }
        setBusy(false);
    };
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5 wform">
            <Labelled label={t('wizard.code')} help={t('wizard.code.help')} error={wrong?.field === 'code' ? wrong.text : undefined}>{(ids) => <input {...ids} type="text" class="otp" required autocomplete="one-time-code" autocapitalize="characters" spellcheck={false} value={code} onInput={(e) => setCode(e.currentTarget.value)} />}</Labelled>
            <Labelled label={t('wizard.name')}>{(ids) => <input {...ids} type="text" required autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
            <Labelled label={t('login.password')} help={t('wizard.password.help', { n: minimumPassword })} error={wrong?.field === 'password' ? wrong.text : undefined}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>
            <Labelled label={t('wizard.again')} error={wrong?.field === 'again' ? wrong.text : undefined}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={again} onInput={(e) => setAgain(e.currentTarget.value)} />}</Labelled>
            {problem && <div class="spaced"><Trouble problem={problem} /></div>}
            <Foot act={t('wizard.admin.act')} busy={busy} />
        </form>
    );
}

function ModeStep({ mode, setMode, back }: StepProps) {
    const { session, renew } = useSession();
    const [chosen, setChosen] = useState<'relay' | 'lab'>(mode === 'lab' ? 'lab' : 'relay');
    const act = useAct();
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        const done = await act.run(async () => {
            const now = await get<Status>('/status');
            if (now.mode !== chosen) {
                await send('POST', '/mode', { mode: chosen });
                await begunAnew(now.started);
            }
            await renew();
        });
        if (done) setMode(chosen);
    };
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5">
            <fieldset><legend class="vh">{t('wizard.mode')}</legend>
                {(['relay', 'lab'] as const).map((x) => (
                    <div class="host" key={x}><input type="radio" name="mode" id={`mode-${x}`} checked={chosen === x} onChange={() => setChosen(x)} aria-describedby={`mode-${x}-say`} /><label for={`mode-${x}`}>{t(x === 'relay' ? 'wizard.mode.relay' : 'wizard.mode.lab')}</label>
                        {session.mode === x ? <Sev level="ok">{t('wizard.mode.now')}</Sev> : <span />}<p class="say" id={`mode-${x}-say`}>{t(x === 'relay' ? 'wizard.mode.relay.text' : 'wizard.mode.lab.text')}</p></div>))}
            </fieldset>
            {act.problem && <Trouble problem={act.problem} />}
            <Foot back={back} act={t(chosen === 'relay' ? 'wizard.mode.relay.act' : 'wizard.mode.lab.act')} busy={act.busy} />
        </form>
    );
}

/** Offered once: a password alone is enough for whoever guesses it. */
function Factor({ next }: StepProps) {
    const { session, renew } = useSession();
    const [begun, setBegun] = useState(false);
    if (begun && !session.totp)
        return <Enrol done={(s) => void renew(s)} foot={(busy, ready) => <Foot skip={next} act={t('factor.confirm')} busy={busy} disabled={!ready} />} />;
    return (
        <form onSubmit={(e) => { e.preventDefault(); if (session.totp) next(); else setBegun(true); }} class="spaced5">
            {session.totp ? <Callout level="ok" title={t('factor.isOn')}><p>{t('factor.on.detail')}</p></Callout> : <p>{t('factor.off.detail')}</p>}
            <Foot skip={session.totp ? undefined : next} act={t(session.totp ? 'act.continue' : 'factor.setUp')} />
        </form>
    );
}

/** What of the box itself would make trouble later, each with its remedy. */
function Check({ next, back }: StepProps) {
    const found = useResource(useCallback(async (signal: AbortSignal) => {
        const [status, plugins] = await Promise.all([get<Status>('/status', {}, signal), get<List<Plugin>>('/plugins', {}, signal)]);
        return { status, families: plugins.items.filter((p) => p.kind === 'family'), ahead: clockAhead() };
    }, []), 5000);
    const clock = clockOf(found.data?.ahead);
    return (
        <form onSubmit={(e) => { e.preventDefault(); next(); }} class="spaced5">
            {found.problem && <Trouble problem={found.problem} again={found.reload} />}
            {!found.data && !found.problem && <Waiting />}
            {found.data && <>
                <Finding name={t('wizard.clock')} level={clock.level} state={t(clock.level === 'ok' ? 'wizard.clock.ok' : clock.level === 'note' ? 'wizard.clock.unknown' : 'wizard.clock.off')}>
                    <p>{clock.level === 'note' ? t('wizard.clock.unknown.text') : t(clock.seconds < 2 ? 'wizard.clock.same' : 'wizard.clock.differs', { time: length(clock.seconds) })}</p>
                    {clock.level === 'warn' && <div class="fix"><Callout level="warn" title={t('wizard.clock.fix')}><p>{t('wizard.clock.fix.text')}</p><Command text="timedatectl set-ntp true" /></Callout></div>}</Finding>
                {found.data.families.length === 0 ? <Finding name={t('wizard.families')} level="warn" state={t('overview.nothing')}><p>{t('wizard.families.none')}</p></Finding>
                    : found.data.families.map((p) => { const runs = p.state === 'started'; return <Finding key={p.name} name={word('section', p.name)} level={runs ? 'ok' : 'warn'} state={word('pluginState', p.state)}>
                        <p>{runs ? t('wizard.families.text', { version: p.version }) : <bdi>{p.reason}</bdi>}</p>{!runs && <div class="fix"><Callout level="warn" title={t('wizard.families.fix')}><p>{t('wizard.families.fix.text')}</p></Callout></div>}</Finding>; })}
                <Finding name={t('lab.listens')} level={found.data.status.listening.length > 0 ? 'ok' : 'warn'} state={found.data.status.listening.join(', ') || t('wizard.listens.nowhere')}>
                    {found.data.status.listening.length > 0 ? <p>{t('wizard.listens.text')}</p> : <div class="fix"><Callout level="warn" title={t('wizard.listens.nowhere')}><p>{t('wizard.listens.fix')}</p></Callout></div>}</Finding></>}
            <Foot back={back} act={t('act.continue')} disabled={!found.data} />
        </form>
    );
}

interface Candidate {
    address: string;
    keep: boolean;
    answers: boolean;
    what: string;
}

function Hosts({ next, back }: StepProps) {
    const [suffix, setSuffix] = useState('');
    const [found, setFound] = useState<Candidate[]>([]);
    const [view, setView] = useState<DnsView>();
    const [more, setMore] = useState('');
    const search = useAct();
    const adding = useAct();
    const going = useAct();
    const list = useResource(useCallback((signal: AbortSignal) => get<List<Upstream>>('/upstreams', {}, signal), []), 5000);
    const have = list.data?.items ?? [];
    const reload = list.reload;

    const discover = () => void search.run(async () => {
        const seen = await send<DnsView>('POST', '/dns/view', suffix.trim() ? { suffix: [suffix.trim()] } : {});
        setView(seen);
        setFound(seen.candidates.map((c) => ({ address: `${c.target}:${c.port}`, keep: c.answers, answers: c.answers, what: c.what })));
    });
    const add = () => void adding.run(async () => {
        const made = await send<Upstream>('POST', '/upstreams', { address: more.trim() });
        await send('POST', `/upstreams/${part(made.name)}/check`).catch(() => undefined);
        setMore('');
        reload();
    });
    const remove = (name: string) => void adding.run(async () => {
        await send('DELETE', `/upstreams/${part(name)}`);
        reload();
    });
    const fresh = found.filter((c) => !have.some((u) => u.address === c.address));
    const chosen = fresh.filter((c) => c.keep);
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        const done = await going.run(async () => {
            for (const c of chosen) await send('POST', '/upstreams', { address: c.address });
        });
        reload();
        if (done) next();
    };
    const total = have.length + chosen.length;
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5">
            <Labelled label={t('wizard.suffix')} help={t('wizard.suffix.help')}>{(ids) => <div class="row"><input {...ids} type="text" class="grow" placeholder="corp.example" spellcheck={false} autocapitalize="none" value={suffix} onInput={(e) => setSuffix(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter') { e.preventDefault(); discover(); } }} /><button class="btn" type="button" disabled={search.busy} onClick={discover}>{search.busy ? t('wait.moment') : t('wizard.suffix.act')}</button></div>}</Labelled>
            {search.problem && <div class="spaced"><Trouble problem={search.problem} /></div>}
            {view && view.candidates.length === 0 && <div class="spaced"><Callout level="warn" title={t('wizard.hosts.none')}><p>{view.steps.filter((s) => s.status === 'failed').map((s) => <span key={s.subject}><code>{s.subject}</code>: {s.text}. </span>)}</p><p class="muted">{t('wizard.hosts.none.text')}</p></Callout></div>}
            <div class="spaced5">
                {have.map((u) => {
                    const c = conditionOf(u);
                    return <div class="host" key={u.name}><span class="ok"><Icon name="check" /></span><strong class="lg"><Name>{u.name}</Name></strong><Sev level={c.level}>{c.word}</Sev><p class="say"><bdi>{sentence(u.why)}</bdi></p>
                        {u.condition !== 'up' && <div class="fix"><Callout level="warn" title={t('wizard.hosts.fix')}><p>{t('wizard.hosts.fix.text', { address: u.address })}</p></Callout></div>}
                        <p class="say"><button class="linkish" type="button" onClick={() => remove(u.name)}>{t('upstreams.removeIt', { name: u.name })}</button></p></div>;
                })}
                {fresh.map((c) => (
                    <div class="host" key={c.address}><input type="checkbox" id={`h-${c.address}`} checked={c.keep} onChange={(e) => { const keep = e.currentTarget.checked; setFound((all) => all.map((x) => (x.address === c.address ? { ...x, keep } : x))); }} /><label for={`h-${c.address}`}><Name>{c.address}</Name></label>
                        <Sev level={c.answers ? 'ok' : 'warn'}>{t(c.answers ? 'upstreams.up' : 'upstreams.down')}</Sev><p class="say">{c.answers ? t('wizard.hosts.tested') : <bdi>{sentence(c.what)}</bdi>}</p></div>))}
            </div>
            <div class="host addh"><Labelled label={t('wizard.hosts.hand')} help={t('wizard.hosts.hand.help')}>{(ids) => <div class="row"><input {...ids} type="text" class="grow" spellcheck={false} autocapitalize="none" value={more} onInput={(e) => setMore(e.currentTarget.value)} onKeyDown={(e) => { if (e.key === 'Enter') { e.preventDefault(); add(); } }} /><button class="btn" type="button" disabled={adding.busy || more.trim() === ''} onClick={add}>{adding.busy ? t('wait.moment') : t('wizard.hosts.hand.act')}</button></div>}</Labelled></div>
            {adding.problem && <Trouble problem={adding.problem} />}
            {going.problem && <Trouble problem={going.problem} />}
            <Foot back={back} skip={total === 0 ? next : undefined} act={t('wizard.hosts.act', { n: total })} busy={going.busy} disabled={total === 0} />
        </form>
    );
}

function KeyStep({ next, back }: StepProps) {
    const keys = useResource(useCallback((signal: AbortSignal) => get<List<LabKey>>('/keys', {}, signal), []));
    const [family, setFamily] = useState('win7-2008r2');
    const act = useAct();
    const have = keys.data?.items ?? [];
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        const done = await act.run(async () => {
            if (have.length > 0) return;
            const key = (await sendText('POST', '/lab/keys', { family, group: 'client' })).trim();
            await send('POST', '/keys', { key });
        });
        if (done) next();
    };
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5">
            {have.length > 0 ? have.map((k) => <div class="host" key={k.key}><span class="ok"><Icon name="check" /></span><strong class="lg">{k.name}</strong><Sev level="lab">{k.family}</Sev><p class="say"><code>{k.key}</code></p></div>)
                : <Labelled label={t('lab.family')} help={t('wizard.key.help')}>{(ids) => <select {...ids} value={family} onChange={(e) => setFamily(e.currentTarget.value)}><option value="win7-2008r2">Windows 7, Server 2008 R2</option><option value="vista-2008">Windows Vista, Server 2008</option></select>}</Labelled>}
            {act.problem && <Trouble problem={act.problem} />}
            <Foot back={back} skip={next} act={have.length > 0 ? t('act.continue') : t('lab.issue')} busy={act.busy} />
        </form>
    );
}

function DnsStep({ next, back }: StepProps) {
    const [domain, setDomain] = useState('');
    const [key, setKey] = useState({ name: '', secret: '' });
    const [plan, setPlan] = useState<DnsChange[]>();
    const change = () => { setPlan(undefined); setPublished(false); };
    const planning = useAct();
    const publishing = useAct();
    const [published, setPublished] = useState(false);
    // Whoever published before finds it there: a key that was missing is all that was waited for.
    const stands = !published && plan !== undefined && standsAlready(plan);
    const show = () => void planning.run(async () => {
        setPublished(false);
        const signs = key.name.trim() !== '';
        if (signs && key.secret.trim() !== '') {
            await send('POST', '/dns/keys', { name: key.name.trim(), file: key.secret.trim() });
            setKey({ ...key, secret: '' });
        }
        await send('PATCH', '/settings', { set: [`dns.domains=[{domain = ${quote(domain.trim())}${signs ? `, key = ${quote(key.name.trim())}` : ''}}]`] });
        setPlan((await get<List<DnsChange>>('/dns/changes', { domain: domain.trim() })).items);
    });
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        if (published || stands) {
            next();
            return;
        }
        if (!plan) {
            show();
            return;
        }
        const done = await publishing.run(async () => {
            await send('PATCH', '/settings', { set: ['dns.publish=true'] });
            await send('POST', '/dns/publish', { domain: domain.trim() });
        });
        if (done) setPublished(true);
    };
    // Asked for is not written yet: what each name server made of it shows a moment later.
    const state = useResource(useCallback((signal: AbortSignal) => (published ? get<Domain>(`/dns/domains/${part(domain.trim())}`, {}, signal) : Promise.resolve(undefined)), [published, domain]), 1000);
    const now = published ? state.data : undefined;
    const settled = now && !now.busy && now.state !== 'waiting';
    const failed = settled && now.state !== 'published' && now.state !== 'manual';
    const problem = stands ? undefined : plan?.find((c) => c.problem)?.problem;
    const changes = plan?.filter((c) => c.change !== '=').length ?? 0;
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5">
            <Labelled label={t('wizard.dns.domain')} help={t('wizard.dns.domain.help')}>{(ids) => <div class="row"><input {...ids} type="text" class="grow" placeholder="corp.example" spellcheck={false} autocapitalize="none" value={domain} onInput={(e) => { setDomain(e.currentTarget.value); change(); }} /><button class="btn" type="button" disabled={planning.busy || domain.trim() === ''} onClick={show}>{planning.busy ? t('wait.moment') : t('wizard.dns.show')}</button></div>}</Labelled>
            <details class="spaced2 sm"><summary>{t('wizard.dns.key')}</summary><div class="spaced2">
                <Labelled label={t('dns.keyName')}>{(ids) => <input {...ids} type="text" spellcheck={false} autocapitalize="none" autocomplete="off" value={key.name} onInput={(e) => { setKey({ ...key, name: e.currentTarget.value }); change(); }} />}</Labelled>
                <Labelled label={t('dns.secret')} help={t('dns.secret.help')}>{(ids) => <input {...ids} type="password" spellcheck={false} autocomplete="off" value={key.secret} onInput={(e) => { setKey({ ...key, secret: e.currentTarget.value }); change(); }} />}</Labelled></div></details>
            {planning.problem && <div class="spaced"><Trouble problem={planning.problem} /></div>}
            {plan && <div class="zone"><div class="head"><h2 class="h3">{t('wizard.dns.plan', { n: changes })}</h2></div><Diff lines={linesOf(plan)} label={t('wizard.dns.plan', { n: changes })} />
                {problem && <div class="spaced"><Callout level="warn" title={t('wizard.dns.cannot')}><p>{problem}</p><p class="muted">{t('wizard.dns.cannot.text')}</p></Callout></div>}</div>}
            {publishing.problem && <div class="spaced"><Trouble problem={publishing.problem} /></div>}
            {stands && <div class="spaced" role="status"><Callout level="ok" title={t('wizard.dns.published')}><p>{t('wizard.dns.published.text')}</p></Callout></div>}
            {published && <div class="spaced" role="status">{failed
                ? <Callout level="warn" title={t('wizard.dns.failed')}><p><bdi>{sentence(now.why)}</bdi></p><p class="muted">{t('wizard.dns.failed.text')}</p></Callout>
                : settled ? <Callout level="ok" title={t('wizard.dns.published')}><p>{t('wizard.dns.published.text')}</p></Callout>
                    : <span class="live"><span class="dot" />{t('wizard.dns.asked')}</span>}</div>}
            <Foot back={back} skip={published || stands ? undefined : next} act={published || stands ? t('act.continue') : plan ? t('dns.publishN', { n: changes }) : t('wizard.dns.show')} busy={publishing.busy} disabled={!published && !stands && (domain.trim() === '' || (plan !== undefined && changes === 0))} />
        </form>
    );
}

function Done({ mode }: StepProps) {
    const status = useResource(useCallback((signal: AbortSignal) => get<Status>('/status', {}, signal), []), 3000);
    const heard = (status.data?.requests ?? 0) > 0;
    const listening = status.data?.listening[0] ?? '';
    const port = listening.slice(listening.lastIndexOf(':') + 1) || '1688';
    const host = `${location.hostname}:${port}`;
    return (
        <form class="spaced5" onSubmit={(e) => { e.preventDefault(); go('/'); }}>
            {mode === 'lab' ? <><SealKey admin /><Command text={`muster-client --host ${host} --seal-key-file seal.key --clients 30`} /></>
                : <><Command text={`slmgr.vbs /skms ${host}`} /><Command text="slmgr.vbs /ato" /></>}
            <p class="spaced">{heard ? <Sev level="ok">{t('wizard.done.heard', { n: status.data?.machines ?? 0 })}</Sev> : <span class="live"><span class="dot" />{t('wizard.done.waiting')}</span>}</p>
            <Foot act={t('wizard.done.act')} />
        </form>
    );
}

const bodies: Record<Step, (props: StepProps) => ComponentChildren> = { admin: Admin, factor: Factor, mode: ModeStep, check: Check, hosts: Hosts, key: KeyStep, dns: DnsStep, alarms: AlarmsStep, backup: BackupStep, done: Done };
const titles: Record<Step, [Key, Key]> = {
    admin: ['wizard.admin.title', 'wizard.admin.lede'], mode: ['wizard.mode.title', 'wizard.mode.lede'], hosts: ['wizard.hosts.title', 'wizard.hosts.lede'],
    factor: ['wizard.factor.title', 'wizard.factor.lede'], check: ['wizard.check.title', 'wizard.check.lede'],
    key: ['wizard.key.title', 'wizard.key.lede'], dns: ['wizard.dns.title', 'wizard.dns.lede'],
    alarms: ['wizard.alarms.title', 'wizard.alarms.lede'], backup: ['wizard.backup.title', 'wizard.backup.lede'], done: ['wizard.done.title', 'wizard.done.lede'],
};

export default function Wizard() {
    const { session } = useSession();
    const [mode, setMode] = useState<Mode>(session.mode);
    const [step, setStep] = useState<Step>(session.setup ? 'admin' : 'mode');
    const main = useRef<HTMLElement>(null);
    const steps = stepsFor(mode);
    const at = steps.indexOf(step);
    const Body = bodies[step];
    useTitle(t('wizard.title', { step: t(stepTitle[step]) }));
    const first = useRef(true);
    useEffect(() => {
        if (first.current) first.current = false;
        else main.current?.focus();
        scrollTo(0, 0);
    }, [step]);
    const move = (by: number) => {
        const to = steps[at + by];
        if (to) setStep(to);
    };
    // With the mode the list of steps becomes another one.
    const chosen = (m: Mode) => {
        setMode(m);
        setStep('check');
    };
    return (
        <div class="first">
            <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); main.current?.focus(); }}>{t('frame.skip')}</a>
            <BareTop where={session.setup ? t('wizard.where', { host: location.hostname }) : location.hostname} />
            <div class="wiz">
                <nav aria-label={t('wizard.steps')}><ol class="way">{steps.map((s, i) => (
                    <li key={s} class={i < at ? 'done' : undefined} aria-current={i === at ? 'step' : undefined}><span class="d">{i < at ? <Icon name="check" /> : i + 1}</span>{t(stepTitle[s])}{i < at && <span class="vh">{t('wizard.isDone')}</span>}{i === at && <span class="xs muted onlysm">{t('wizard.stepOf', { at: at + 1, n: steps.length })}</span>}</li>))}</ol></nav>
                <main id="main" tabIndex={-1} ref={main}>
                    <h1>{t(titles[step][0])}</h1><p class="lede">{t(titles[step][1])}</p>
                    {step === 'admin' && !session.setup ? <Waiting /> : <Body next={() => move(1)} back={at > 2 ? () => move(-1) : undefined} mode={mode} setMode={chosen} />}
                </main>
                <aside class="sm muted stack" aria-label={t('wizard.help')}>{stepHelp[step].map(([head, text]) => [<h2 class="md" key={head}>{t(head)}</h2>, <p key={text}>{t(text)}</p>])}</aside>
            </div>
        </div>
    );
}
