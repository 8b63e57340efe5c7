/** Addresses of each port, name servers and search domains; tried first, kept when they are confirmed. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'preact/hooks';
import { get, send } from '../../api/client';
import { toProblem, type Finding } from '../../api/problem';
import type { Addressing, LivePort, Network } from '../../api/types';
import { useAct, useResource } from '../../api/use';
import { t } from '../../i18n';
import { Callout, Labelled, Sev, Trouble, Waiting } from '../../ui/bits';
import { Confirm } from '../../ui/dialog';
import { toast } from '../../ui/toast';
import { fateOf, pagesAt } from './address';
import { bodyOf, draftOf, families, findingsOf, isIdle, isSame, listed, type Draft, type Family, type FamilyDraft, type Findings, type PortDraft } from './draft';
import { TrialPart } from './trial';
import { isTrial, step, type State, type Step } from './trial-state';
import { within } from './within';

const pause = 4000;  // ms between two questions
const limit = 3500;  // ms: on trial, an answer that comes later will not come at all
const slowest = 15_000;  // ms: reloading networkd takes up to ten seconds

const liveOf = (network: Network, name: string): LivePort | undefined => network.live.find((live) => live.name === name);

const words = (findings: Finding[] | undefined): string | undefined => findings?.map((f) => t('problem.finding', { found: f.found, allowed: f.allowed })).join('; ');

interface FamilyProps {
    port: string;
    family: Family;
    draft: FamilyDraft;
    findings: Findings;
    change: (draft: FamilyDraft) => void;
}

function FamilyPart({ port, family, draft, findings, change }: FamilyProps) {
    const at = `${port}.${family}`;
    const several = (text: string) => Math.min(4, Math.max(1, listed(text).length));
    return (
        <div>
            <Labelled label={t('box.addressing', { family })} help={draft.addressing === 'fixed' ? undefined : t(`box.addressing.${draft.addressing}.${family}`)} error={words(findings[`${at}.addressing`])}>{(ids) => <select {...ids} value={draft.addressing} onChange={(e) => change({ ...draft, addressing: e.currentTarget.value as Addressing })}>
                {(['auto', 'fixed', 'off'] as const).map((one) => <option key={one} value={one}>{t(one === 'auto' ? `box.addressing.auto${family}` : `box.addressing.${one}`)}</option>)}</select>}</Labelled>
            {draft.addressing === 'fixed' && <>
                <Labelled label={t('box.addresses', { family })} help={t('box.addresses.help', { example: family === 4 ? '10.0.0.7/24' : '2001:db8::7/64' })} error={words(findings[`${at}.addresses`])}>{(ids) => <textarea {...ids} class="mono sm" rows={several(draft.addresses)} spellcheck={false} autocapitalize="none" value={draft.addresses} onInput={(e) => change({ ...draft, addresses: e.currentTarget.value })} />}</Labelled>
                <Labelled label={t('box.gateway', { family })} help={t('box.gateway.help')} error={words(findings[`${at}.gateway`])}>{(ids) => <input {...ids} class="mono sm" type="text" spellcheck={false} autocapitalize="none" autocomplete="off" value={draft.gateway} onInput={(e) => change({ ...draft, gateway: e.currentTarget.value })} />}</Labelled></>}
        </div>
    );
}

function PortPart({ port, findings, change }: { port: PortDraft; findings: Findings; change: (port: PortDraft) => void }) {
    return (
        <fieldset class="port"><legend><code>{port.name}</code></legend>
            <p class="row sm muted">{port.live ? <><Sev level={port.live.up ? 'ok' : 'note'}>{t(port.live.up ? 'box.port.up' : 'box.port.down')}</Sev>{port.live.mac && <code class="xs">{port.live.mac}</code>}<span>{t('box.port.now')} {port.live.addresses.length === 0 ? t('box.port.none') : port.live.addresses.map((one) => <code key={one} class="xs addr">{one} </code>)}</span></> : <Sev level="warn">{t('box.port.absent')}</Sev>}</p>
            <div class="cols spaced2">{families.map((family) => <FamilyPart key={family} port={port.name} family={family} draft={port[family]} findings={findings} change={(draft) => change({ ...port, [family]: draft })} />)}</div>
        </fieldset>
    );
}

export function NetworkSection({ mayChange }: { mayChange: boolean }) {
    const [state, tell] = useReducer<State, Step>(step, { kind: 'none' });
    const [edited, setEdited] = useState<Draft>();
    const [asking, setAsking] = useState(false);
    const load = useCallback((signal: AbortSignal) => within(limit, signal, (s) => get<Network>('/network', {}, s)), []);
    const network = useResource(load, pause);
    const act = useAct();
    const deciding = useAct();
    const head = useRef<HTMLHeadingElement>(null);
    const { data, reload } = network;

    useEffect(() => {
        if (data) tell({ what: 'seen', network: data, now: Date.now() });
    }, [data]);
    const trial = isTrial(state) ? state : undefined;
    const until = trial?.until;
    useEffect(() => {
        if (until === undefined) return undefined;
        const timer = setTimeout(reload, Math.max(0, until - Date.now()) + 1000);
        return () => clearTimeout(timer);
    }, [until, reload]);

    if (!data) return <section aria-labelledby="nw"><div class="head"><h2 id="nw">{t('box.network')}</h2></div>{network.problem ? <Trouble problem={network.problem} again={network.reload} /> : <Waiting />}</section>;

    const kept = draftOf(data);
    const draft = edited ?? kept;
    const findings = findingsOf(act.problem?.errors ?? [], draft);
    const dirty = edited !== undefined && !isSame(edited, kept);
    const fate = fateOf(location.hostname, data, bodyOf(draft));
    const change = (next: Draft) => setEdited({ ...next });
    // Where no cable is and nothing is set, nobody has anything to do, unless that is all there is.
    const idle = kept.ports.some((port) => port.live?.up) ? kept.ports.filter(isIdle).map((port) => port.name) : [];
    const portPart = (port: PortDraft) => <PortPart key={port.name} port={{ ...port, live: liveOf(data, port.name) }} findings={findings} change={(next) => change({ ...draft, ports: draft.ports.map((one) => (one.name === port.name ? next : one)) })} />;
    const attempt = () => {
        const tried = bodyOf(draft);
        setAsking(false);
        void act.run(async () => {
            // Where the page's own address goes, the answer may never come: the countdown begins all the same.
            tell({ what: 'sent', tried, before: data, now: Date.now() });
            try {
                tell({ what: 'answered', network: await within(slowest, undefined, () => send<Network>('PUT', '/network', { ...tried })), now: Date.now() });
                setEdited(undefined);
                head.current?.focus();
            } catch (error) {
                tell({ what: toProblem(error).code === 'unreachable' ? 'lost' : 'refused' });
                throw error;
            } finally {
                reload();
            }
        });
    };
    const decide = (how: 'kept' | 'back') => void deciding.run(async () => {
        await within(slowest, undefined, () => send('POST', how === 'kept' ? '/network/confirm' : '/network/revert'));
        tell({ what: 'decided', how });
        setEdited(undefined);
        head.current?.focus();
        toast(t(how === 'kept' ? 'box.kept' : 'box.wentBack'));
    }).finally(reload);

    const away = network.problem?.code === 'unreachable';
    return (
        <section aria-labelledby="nw"><div class="head"><h2 id="nw" ref={head} tabIndex={-1}>{t('box.network')}</h2></div>
            <div role="status">{state.kind === 'over' && state.how === 'back' && <div class="mb"><Callout level="note" title={t('box.wentBack')}><p>{t('box.wentBack.detail')}</p></Callout></div>}</div>
            {trial && <div class="mb"><TrialPart trial={trial} away={away} busy={deciding.busy} mayChange={mayChange} keep={() => decide('kept')} back={() => decide('back')} /></div>}
            {deciding.problem && <div class="mb"><Trouble problem={deciding.problem} /></div>}
            {!trial && network.problem && <div class="mb"><Trouble problem={network.problem} again={network.reload} /></div>}
            <form onSubmit={(e) => { e.preventDefault(); act.clear(); setAsking(true); }}>
                <fieldset class="plainset" disabled={!mayChange || trial !== undefined || act.busy}><legend class="vh">{t('box.network')}</legend>
                    {draft.ports.length === 0 && <p class="muted">{t('box.noPorts')}</p>}
                    {draft.ports.filter((port) => !idle.includes(port.name)).map(portPart)}
                    {idle.length > 0 && <details class="port"><summary>{t('box.idle', { n: idle.length, names: idle.join(', ') })}</summary><div class="spaced2">{draft.ports.filter((port) => idle.includes(port.name)).map(portPart)}</div></details>}
                    <div class="cols port">
                        <Labelled label={t('box.nameServers')} help={t('box.nameServers.help')} error={words(findings['nameServers'])}>{(ids) => <textarea {...ids} class="mono sm" rows={2} spellcheck={false} autocapitalize="none" value={draft.nameServers} onInput={(e) => change({ ...draft, nameServers: e.currentTarget.value })} />}</Labelled>
                        <Labelled label={t('box.domains')} help={t('box.domains.help')} error={words(findings['domains'])}>{(ids) => <textarea {...ids} class="mono sm" rows={2} spellcheck={false} autocapitalize="none" value={draft.domains} onInput={(e) => change({ ...draft, domains: e.currentTarget.value })} />}</Labelled>
                    </div>
                </fieldset>
                {act.problem && (act.problem.errors.length === 0 || findings['']) && (act.problem.code !== 'unreachable' || state.kind === 'none') && <div class="spaced"><Trouble problem={act.problem} /></div>}
                {act.problem && act.problem.errors.length > 0 && !findings[''] && <p class="spaced err" role="alert"><span>{t('box.fields', { n: act.problem.errors.length })}</span></p>}
                {mayChange && !trial && <div class="row spaced"><button class="btn go" type="submit" disabled={!dirty || act.busy}>{t('box.try')}</button>
                    {dirty && <button class="btn" type="button" disabled={act.busy} onClick={() => { setEdited(undefined); act.clear(); }}>{t('box.discard')}</button>}
                    <span class="muted sm">{t(dirty ? 'box.try.how' : 'box.try.nothing')}</span></div>}
            </form>
            {asking && <Confirm title={t('box.try.ask')} act={t('box.try')} danger={false} close={() => setAsking(false)} run={attempt}>
                <p>{t('box.try.detail')}</p>
                {fate === 'goes' && <Callout level="warn" title={t('box.fate.goes', { host: location.host })}><p>{t('box.fate.open')}</p><ul class="bullets">{pagesAt(bodyOf(draft), location).map((page) => <li key={page}><code class="anywhere">{page}</code></li>)}</ul></Callout>}
                {fate === 'open' && <Callout level="warn" title={t('box.fate.unsure', { host: location.host })}><p>{t('box.trial.dhcp')}</p></Callout>}
            </Confirm>}
        </section>
    );
}
