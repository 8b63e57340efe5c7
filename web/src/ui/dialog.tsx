/** What asks before it goes on. The browser's own dialog: it keeps the focus in, Esc closes it, focus goes back. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Problem } from '../api/problem';
import { t } from '../i18n';
import { Labelled, Trouble } from './bits';
import { Icon } from './icons';

interface DialogProps {
    title: ComponentChildren;
    close: () => void;
    children: ComponentChildren;
    class?: string;
}

export function Dialog({ title, close, children, class: extra = '' }: DialogProps) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    // At once, not after the next picture: whoever types on at once types into it.
    useLayoutEffect(() => {
        const before = document.activeElement;
        ref.current?.showModal();
        return () => {
            if (before instanceof HTMLElement && before.isConnected) before.focus();
        };
    }, []);
    return (
        <dialog ref={ref} class={`dialog ${extra}`} aria-labelledby={id} onCancel={(e) => { e.preventDefault(); close(); }} onClick={(e) => { if (e.target === ref.current) close(); }}>
            <div class="dialogin">
                <header class="head"><h2 id={id}>{title}</h2><button class="btn bare icon gap" type="button" aria-label={t('act.close')} onClick={close}><Icon name="close" /></button></header>
                {children}
            </div>
        </dialog>
    );
}

interface ConfirmProps {
    title: ComponentChildren;
    children?: ComponentChildren;
    /** The act with its object: "Remove kms-b". */
    act: string;
    danger?: boolean;
    /** To be typed where there is no way back. */
    type?: string;
    busy?: boolean;
    problem?: Problem | undefined;
    run: () => void;
    close: () => void;
}

export function Confirm({ title, children, act, danger = true, type, busy = false, problem, run, close }: ConfirmProps) {
    const [typed, setTyped] = useState('');
    const ready = type === undefined || typed === type;
    return (
        <Dialog title={title} close={close}>
            <form class="stack" onSubmit={(e) => { e.preventDefault(); if (ready && !busy) run(); }}>
                {children}
                {type !== undefined && <Labelled label={t('confirm.type', { name: type })}>{(ids) => <input {...ids} type="text" value={typed} autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} />}</Labelled>}
                {problem && <Trouble problem={problem} />}
                <div class="row end"><button class="btn" type="button" onClick={close}>{t('act.cancel')}</button>
                    <button class={danger ? 'btn danger' : 'btn go'} type="submit" disabled={!ready || busy}>{act}</button></div>
            </form>
        </Dialog>
    );
}
