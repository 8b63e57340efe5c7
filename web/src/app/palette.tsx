/** Type to go anywhere, or to find a machine. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { get } from '../api/client';
import type { Client, List } from '../api/types';
import { t } from '../i18n';
import type { Page } from '../pages';
import { Icon, type IconName } from '../ui/icons';
import { clientQuery } from '../ui/search';
import { useHealth } from './health';
import { go } from './router';

interface Entry {
    id: string;
    icon: IconName;
    text: string;
    note: string;
    to: string;
}

/** Letters in their order, not necessarily together: "ups" and "usm" both find Upstreams. */
export function fits(text: string, typed: string): boolean {
    let at = 0;
    const low = text.toLowerCase();
    for (const c of typed.toLowerCase().replaceAll(' ', '')) {
        at = low.indexOf(c, at);
        if (at < 0) return false;
        ++at;
    }
    return true;
}

export function Palette({ pages, close }: { pages: Page[]; close: () => void }) {
    const ref = useRef<HTMLDialogElement>(null);
    const [typed, setTyped] = useState('');
    const [machines, setMachines] = useState<Client[]>([]);
    const [at, setAt] = useState(0);

    // At once, not after the next picture: whoever types on at once types into it.
    useLayoutEffect(() => {
        const before = document.activeElement;
        ref.current?.showModal();
        return () => {
            if (before instanceof HTMLElement && before.isConnected) before.focus();
        };
    }, []);
    useEffect(() => {
        setAt(0);
        const words = typed.trim();
        if (words.length < 2) {
            setMachines([]);
            return undefined;
        }
        const abort = new AbortController();
        const timer = setTimeout(() => {
            get<List<Client>>('/clients', { ...clientQuery(words), limit: 8 }, abort.signal).then((list) => setMachines(list.items)).catch(() => setMachines([]));
        }, 150);
        return () => {
            clearTimeout(timer);
            abort.abort();
        };
    }, [typed]);

    const degraded = useHealth().facts?.status.degraded ?? false;
    const entries = useMemo<Entry[]>(() => {
        const words = typed.trim();
        const offer: Entry = { id: 'degraded', icon: 'crit', text: t('backup.degraded'), note: t('backup.restore.newest'), to: '/system?restore=newest' };
        const found: Entry[] = degraded && fits(`${offer.text} ${offer.note}`, words) ? [offer] : [];
        found.push(...pages.filter((p) => fits(t(p.title), words)).map((p) => ({ id: p.id, icon: p.icon, text: t(p.title), note: `g ${p.letter}`, to: p.paths[0] ?? '/' })));
        for (const c of machines) found.push({ id: `${c.cmid}${c.machine}${c.countedId}`, icon: 'clients', text: c.machine || c.cmid, note: c.product, to: `/clients/${c.cmid}` });
        if (words.length >= 2) found.push({ id: '*', icon: 'search', text: t('palette.all', { words }), note: '', to: `/clients?q=${encodeURIComponent(words)}` });
        return found;
    }, [typed, machines, pages, degraded]);

    const open = (entry: Entry | undefined) => {
        if (!entry) return;
        close();
        go(entry.to);
    };
    const key = (e: KeyboardEvent) => {
        if (e.key === 'ArrowDown' || e.key === 'ArrowUp') {
            e.preventDefault();
            setAt((n) => (n + (e.key === 'ArrowDown' ? 1 : entries.length - 1)) % Math.max(1, entries.length));
        } else if (e.key === 'Enter') {
            e.preventDefault();
            open(entries[at]);
        }
    };
    return (
        <dialog ref={ref} class="dialog palette" aria-label={t('frame.goto')} onCancel={(e) => { e.preventDefault(); close(); }} onClick={(e) => { if (e.target === ref.current) close(); }}>
            <div class="dialogin">
                <div class="search"><Icon name="search" /><input type="text" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={entries[at] ? `pal-${at}` : undefined} aria-label={t('frame.goto')} placeholder={t('frame.goto')} value={typed} autocomplete="off" spellcheck={false} onInput={(e) => setTyped(e.currentTarget.value)} onKeyDown={key} /></div>
                <ul id="palette-list" role="listbox" aria-label={t('palette.list')}>
                    {entries.map((e, i) => <li key={e.id} id={`pal-${i}`} role="option" aria-selected={i === at} class={i === at ? 'sel' : undefined} onClick={() => open(e)} onMouseMove={() => setAt(i)}><Icon name={e.icon} /><bdi class="cutline">{e.text}</bdi><bdi class="xs muted gap nowrap">{e.note}</bdi></li>)}
                </ul>
                {entries.length === 0 && <p class="muted sm palnone">{t('palette.none')}</p>}
            </div>
        </dialog>
    );
}
