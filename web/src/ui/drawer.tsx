/** A detail beside the list, with an address of its own; the whole screen where there is little room. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { go } from '../app/router';
import { t } from '../i18n';
import { Icon } from './icons';

interface Props {
    title: ComponentChildren;
    sub?: ComponentChildren;
    back: string;
    children: ComponentChildren;
}

export function Drawer({ title, sub, back, children }: Props) {
    const ref = useRef<HTMLElement>(null);
    useEffect(() => {
        const before = document.activeElement;
        ref.current?.focus({ preventScroll: true });
        const key = (e: KeyboardEvent) => {
            if (e.key === 'Escape' && !e.defaultPrevented && !document.querySelector('dialog[open]')) go(back);
        };
        addEventListener('keydown', key);
        return () => {
            removeEventListener('keydown', key);
            if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
        };
    }, [back]);
    return (
        <aside class="drawer" ref={ref} tabIndex={-1} aria-labelledby="drawer-title">
            <header><div class="grow0"><h2 class="lg cutline" id="drawer-title">{title}</h2>{sub && <p class="row sm spaced2">{sub}</p>}</div>
                <a class="btn bare icon" href={back} aria-label={t('act.close')}><Icon name="close" /></a></header>
            {children}
        </aside>
    );
}
