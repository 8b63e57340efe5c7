/** The live stream of the journal: one connection for the whole page, as many listeners as there are. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { address } from './client';
import type { Event } from './types';

type Listener = (event: Event) => void;

export interface LiveState {
    on: boolean;
    /** When it was lost; 0: it is on, or never was. */
    since: number;
}

const listeners = new Set<Listener>();
const watchers = new Set<(state: LiveState) => void>();
let source: EventSource | undefined;
let state: LiveState = { on: false, since: 0 };
let again: ReturnType<typeof setTimeout> | undefined;
let pause = 1000;

/** A page that nobody sees gives its stream back: a browser opens six connections to one host, for all of its tabs. */
const drowsy = 3000;
let asleep = false;
let falling: ReturnType<typeof setTimeout> | undefined;

/** Said on `window` when the page is seen again after that: what it shows may be old. */
export const awake = 'muster-awake';

if (typeof document !== 'undefined')
    document.addEventListener('visibilitychange', () => {
        clearTimeout(falling);
        if (document.hidden && source) {
            falling = setTimeout(() => {
                asleep = true;
                close();
            }, drowsy);
        } else if (asleep) {
            asleep = false;
            open();
            dispatchEvent(new window.Event(awake));
        }
    });

function become(next: LiveState): void {
    state = next;
    for (const watcher of watchers) watcher(state);
}

export function parseEvent(data: string): Event | undefined {
    try {
        const value = JSON.parse(data) as Event;
        return typeof value.seq === 'number' ? value : undefined;
    } catch {
        return undefined;
    }
}

function open(): void {
    if (source || listeners.size === 0 || asleep) return;
    if (document.hidden) {  // a tab that nobody has looked at yet
        asleep = true;
        return;
    }
    const stream = new EventSource(address('/events/watch'));
    source = stream;
    stream.onopen = () => {
        pause = 1000;
        become({ on: true, since: 0 });
    };
    stream.onmessage = (message: MessageEvent<string>) => {
        const event = parseEvent(message.data);
        if (event) for (const listener of listeners) listener(event);
    };
    stream.onerror = () => {
        if (state.on || state.since === 0) become({ on: false, since: Date.now() });
        if (stream.readyState !== EventSource.CLOSED) return;  // the browser tries again by itself
        source = undefined;
        clearTimeout(again);
        again = setTimeout(open, pause);
        pause = Math.min(pause * 2, 30_000);
    };
}

function close(): void {
    clearTimeout(again);
    source?.close();
    source = undefined;
    state = { on: false, since: 0 };
}

/** Calls back for each event while the component stands. */
export function useLive(listener: Listener): LiveState {
    const [now, setNow] = useState(state);
    const latest = useRef(listener);
    latest.current = listener;
    useEffect(() => {
        const mine: Listener = (event) => latest.current(event);
        listeners.add(mine);
        watchers.add(setNow);
        open();
        return () => {
            listeners.delete(mine);
            watchers.delete(setNow);
            // The next page mostly listens as well: no need to connect anew for it.
            setTimeout(() => {
                if (listeners.size === 0) close();
            }, 500);
        };
    }, []);
    return now;
}
