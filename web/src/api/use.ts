/** Data for a component: loaded, kept while it is loaded anew, reloaded when something happened. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { awake } from './live';
import type { Problem } from './problem';
import { toProblem } from './problem';

export interface Resource<T> {
    data: T | undefined;
    problem: Problem | undefined;
    /** True from the second after which old values are dimmed. */
    slow: boolean;
    loading: boolean;
    reload: () => void;
}

/**
 * @param load  what to ask; a new function means a new question
 * @param every milliseconds between two asks; 0: once
 */
export function useResource<T>(load: (signal: AbortSignal) => Promise<T>, every = 0): Resource<T> {
    const [data, setData] = useState<T>();
    const [problem, setProblem] = useState<Problem>();
    const [slow, setSlow] = useState(false);
    const [loading, setLoading] = useState(true);
    const [turn, setTurn] = useState(0);
    const asked = useRef(load);

    useEffect(() => {
        const abort = new AbortController();
        if (asked.current !== load) asked.current = load;
        setLoading(true);
        const late = setTimeout(() => setSlow(true), 1000);
        load(abort.signal)
            .then((value) => {
                if (abort.signal.aborted) return;
                setData(value);
                setProblem(undefined);
            })
            .catch((error: unknown) => {
                if (!abort.signal.aborted) setProblem(toProblem(error));
            })
            .finally(() => {
                clearTimeout(late);
                if (abort.signal.aborted) return;
                setSlow(false);
                setLoading(false);
            });
        return () => {
            clearTimeout(late);
            abort.abort();
        };
    }, [load, turn]);

    useEffect(() => {
        if (every === 0) return undefined;
        const timer = setInterval(() => {
            if (!document.hidden) setTurn((n) => n + 1);
        }, every);
        return () => clearInterval(timer);
    }, [every]);

    const reload = useCallback(() => setTurn((n) => n + 1), []);
    useEffect(() => {
        addEventListener(awake, reload);
        return () => removeEventListener(awake, reload);
    }, [reload]);
    return { data, problem, slow, loading, reload };
}

/** An act that a person starts: one at a time, with what went wrong. */
export function useAct(): { busy: boolean; problem: Problem | undefined; clear: () => void; run: (act: () => Promise<void>) => Promise<boolean> } {
    const [busy, setBusy] = useState(false);
    const [problem, setProblem] = useState<Problem>();
    const run = useCallback(async (act: () => Promise<void>) => {
        setBusy(true);
        setProblem(undefined);
        try {
            await act();
            return true;
        } catch (error) {
            setProblem(toProblem(error));
            return false;
        } finally {
            setBusy(false);
        }
    }, []);
    const clear = useCallback(() => setProblem(undefined), []);
    return { busy, problem, clear, run };
}
