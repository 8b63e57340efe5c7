/** Small parts that every page is made of. */
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api/problem';
import { has, number, t, word } from '../i18n';
import { exact, shortGuid, when } from './format';
import { Icon, type IconName } from './icons';
import { toast } from './toast';

export type Severity = 'crit' | 'warn' | 'note' | 'ok' | 'lab';

/** Shape, word and colour, always the three of them. */
export function Sev({ level, children }: { level: Severity; children: ComponentChildren }) {
    return <span class={`sev ${level === 'lab' ? 'labc' : level}`}><Icon name={level} /><span>{children}</span></span>;
}

const ticking = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

/** Draws anew once a second while what is shown counts seconds. */
export function useTick(active: boolean): void {
    const [, turn] = useState(0);
    useEffect(() => {
        if (!active) return undefined;
        const tick = () => turn((n) => n + 1);
        ticking.add(tick);
        clock ??= setInterval(() => ticking.forEach((f) => f()), 1000);
        return () => {
            ticking.delete(tick);
            if (ticking.size === 0) {
                clearInterval(clock);
                clock = undefined;
            }
        };
    }, [active]);
}

export function Time({ iso }: { iso: string | null | undefined }) {
    const date = iso ? new Date(iso) : undefined;
    const known = date !== undefined && !Number.isNaN(date.getTime());
    useTick(known && Date.now() - date.getTime() < 62_000);
    if (!known) return <span class="dim">{t('time.never')}</span>;
    return <time dateTime={iso ?? ''} title={exact(date)}>{when(date)}</time>;
}

export function CopyButton({ text, label }: { text: string; label: string }) {
    const copy = () => {
        navigator.clipboard.writeText(text).then(
            () => toast(t('copy.done')),
            () => toast(t('copy.failed')),
        );
    };
    return <button class="copy" type="button" aria-label={label} title={label} onClick={copy}><Icon name="copy" /></button>;
}

export function Guid({ value, whole = false }: { value: string; whole?: boolean }) {
    const [head, tail] = shortGuid(value);
    return (
        <span class="guid" title={value}>
            <code>{whole || tail === '' ? value : <>{head}<i>…</i>{tail}</>}</code>
            <CopyButton text={value} label={t('copy.what', { what: value })} />
        </span>
    );
}

export function Command({ text }: { text: string }) {
    return <div class="cmd"><code>{text}</code><CopyButton text={text} label={t('copy.command', { command: text })} /></div>;
}

/** A name that somebody else chose: text, apart from the direction of what stands around it. */
export function Name({ children }: { children: string }) {
    return <bdi title={children.length > 24 ? children : undefined}>{children || t('client.noName')}</bdi>;
}

interface CalloutProps {
    level: Exclude<Severity, 'lab'>;
    title: ComponentChildren;
    children?: ComponentChildren;
    alert?: boolean;
}

export function Callout({ level, title, children, alert }: CalloutProps) {
    return (
        <div class={`callout is-${level}`} role={alert ? 'alert' : undefined}>
            <Icon name={level} /><p class="callt">{title}</p>{children}
        </div>
    );
}

/** What failed, why, and what to do; with a way to try again. */
export function Trouble({ problem, again, title }: { problem: Problem; again?: (() => void) | undefined; title?: string }) {
    const detail = problem.code === 'unreachable' ? t('problem.unreachable.detail') : problem.detail;
    const hint = problem.hint || (problem.code === 'unreachable' ? t('problem.unreachable.hint') : problem.status === 404 && !problem.detail ? t('problem.notOffered') : '');
    return (
        <Callout level="crit" alert title={title ?? titleOf(problem)}>
            {detail && <p><bdi>{detail}</bdi></p>}
            {problem.errors.length > 1 && <ul class="bullets">{problem.errors.map((e, i) => <li key={i}><code>{e.name}</code>: {t('problem.finding', { found: e.found, allowed: e.allowed })}</li>)}</ul>}
            {hint && <p class="muted"><bdi>{hint}</bdi></p>}
            <p class="row xs muted"><code>{problem.code}</code>{again && <button class="btn" type="button" onClick={again}>{t('act.again')}</button>}</p>
        </Callout>
    );
}

export function titleOf(problem: Problem): string {
    const key = `problem.${problem.code}`;
    return has(key) ? word('problem', problem.code) : t('problem.internal');
}

/** Why there is nothing, and what to do next. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
    return <div class="empty"><h2>{title}</h2><div class="muted stack">{children}</div></div>;
}

/** A word after three seconds; before that the frame stands and nothing blinks. */
export function Waiting() {
    const [late, setLate] = useState(false);
    useEffect(() => {
        const timer = setTimeout(() => setLate(true), 3000);
        return () => clearTimeout(timer);
    }, []);
    return <p class="muted waiting" role="status">{late ? t('wait.long') : ''}</p>;
}

interface FieldProps {
    label: string;
    help?: ComponentChildren;
    error?: string | undefined;
    children: (ids: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: boolean }) => ComponentChildren;
}

/** Label above, help and error below: forms of a page. */
export function Labelled({ label, help, error, children }: FieldProps) {
    const id = useId();
    const described = [help ? `${id}h` : '', error ? `${id}e` : ''].filter(Boolean).join(' ');
    return (
        <div class="lf">
            <label for={id}>{label}</label>
            {children({ id, ...(described ? { 'aria-describedby': described } : {}), ...(error ? { 'aria-invalid': true } : {}) })}
            {error && <p class="err" id={`${id}e`} role="alert"><Icon name="crit" /><span>{error}</span></p>}
            {help && <p class="xs muted spaced2" id={`${id}h`}>{help}</p>}
        </div>
    );
}

interface SearchProps {
    label: string;
    value: string;
    onValue: (value: string) => void;
    delay?: number;
}

/** Asks as one types, a moment after the last letter. */
export function Search({ label, value, onValue, delay = 200 }: SearchProps) {
    const [typed, setTyped] = useState(value);
    const timer = useRef<ReturnType<typeof setTimeout>>();
    const id = useId();
    useEffect(() => setTyped(value), [value]);
    const change = (next: string) => {
        setTyped(next);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onValue(next), delay);
    };
    return (
        <div class="search"><Icon name="search" /><label class="vh" for={id}>{label}</label>
            <input id={id} type="search" data-search placeholder={label} value={typed} spellcheck={false} autocomplete="off" onInput={(e) => change(e.currentTarget.value)} />
        </div>
    );
}

export function Chip({ children, remove, label }: { children: ComponentChildren; remove: () => void; label: string }) {
    return <span class="chip"><bdi>{children}</bdi><button type="button" aria-label={label} onClick={remove}><Icon name="close" /></button></span>;
}

/** How much is behind a tab; nothing while that is not known. */
export function TabCount({ n }: { n: number | undefined }) {
    return n === undefined ? null : <span class="c"> {number(n)}</span>;
}

/** A live region for what changes without a person's act; at most one message in five seconds. */
export function LiveDot({ on, since, children }: { on: boolean; since: number; children?: ComponentChildren }) {
    if (on) return <span class="live"><span class="dot" />{children ?? t('live.on')}</span>;
    return <span class="live">{since ? t('live.lost', { time: when(new Date(since)) }) : t('live.off')}</span>;
}

export function IconLink({ icon, href, children }: { icon: IconName; href: string; children: ComponentChildren }) {
    return <a href={href} class="row inline"><Icon name={icon} />{children}</a>;
}

/** Fires at most once in `wait` milliseconds, and once more at the end. */
export function useThrottled(act: () => void, wait: number): () => void {
    const latest = useRef(act);
    latest.current = act;
    const pending = useRef<ReturnType<typeof setTimeout>>();
    useEffect(() => () => clearTimeout(pending.current), []);
    const [fire] = useState(() => () => {
        pending.current ??= setTimeout(() => {
            pending.current = undefined;
            latest.current();
        }, wait);
    });
    return fire;
}

export function useTitle(title: string): void {
    useEffect(() => {
        document.title = `${title} · Muster`;
    }, [title]);
}
