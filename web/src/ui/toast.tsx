/** Short words at the lower edge: that something was done, and for ten seconds the way back. */
import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n';

interface Toast {
    id: number;
    text: string;
    undo?: (() => void) | undefined;
}

let next = 1;
let show: ((toast: Toast) => void) | undefined;

export function toast(text: string, undo?: () => void): void {
    show?.({ id: next++, text, undo });
}

let latest: (() => boolean) | undefined;

/** The way back of the newest that has one; false when there is none. */
export const undoLatest = (): boolean => latest?.() ?? false;

export function Toasts() {
    const [list, setList] = useState<Toast[]>([]);
    useEffect(() => {
        show = (one) => {
            setList((all) => [...all.slice(-2), one]);
            setTimeout(() => setList((all) => all.filter((x) => x.id !== one.id)), one.undo ? 10_000 : 4000);
        };
        return () => {
            show = undefined;
        };
    }, []);
    latest = () => {
        const one = list.findLast((x) => x.undo);
        if (!one) return false;
        one.undo?.();
        close(one.id);
        return true;
    };
    // Room below the page, so that what has the focus can stand above them.
    const any = list.length > 0;
    useEffect(() => void document.documentElement.classList.toggle('has-toast', any), [any]);
    const close = (id: number) => setList((all) => all.filter((x) => x.id !== id));
    return (
        <div class="toasts" role="status" aria-live="polite">
            {list.map((one) => (
                <div class="toast" key={one.id}><bdi>{one.text}</bdi>
                    {one.undo && <button class="btn bare" type="button" aria-keyshortcuts="u" onClick={() => { one.undo?.(); close(one.id); }}>{t('act.undo')}<kbd class="opt-md" aria-hidden="true">u</kbd></button>}
                </div>
            ))}
        </div>
    );
}
