/** Keys: Ctrl K or / for the palette, g and a letter for pages, j k in tables, ? for the list of them. */
import { useEffect } from 'preact/hooks';
import { t } from '../i18n';
import type { Page } from '../pages';
import { Dialog } from '../ui/dialog';
import { undoLatest } from '../ui/toast';
import { letters } from './look';
import { go } from './router';

const typing = (target: EventTarget | null): boolean => target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** The next row link from where the focus is. */
function step(by: number): void {
    const links = [...document.querySelectorAll<HTMLElement>('tr[data-row] th a, tr[data-row] th button, [data-rowlink]')];
    if (links.length === 0) return;
    const at = links.indexOf(document.activeElement as HTMLElement);
    links[Math.min(links.length - 1, Math.max(0, at < 0 ? 0 : at + by))]?.focus();
}

export function useShortcuts(pages: Page[], palette: () => void, help: () => void, paused: boolean): void {
    useEffect(() => {
        let waits = 0;
        const key = (e: KeyboardEvent) => {
            if (paused) return;
            if ((e.ctrlKey || e.metaKey) && !e.altKey && e.key.toLowerCase() === 'k') {
                e.preventDefault();
                palette();
                return;
            }
            if (e.ctrlKey || e.metaKey || e.altKey || typing(e.target) || document.querySelector('dialog[open]') || !letters()) return;
            if (Date.now() < waits) {
                waits = 0;
                const page = pages.find((p) => p.letter === e.key);
                if (page?.paths[0]) {
                    e.preventDefault();
                    go(page.paths[0]);
                }
                return;
            }
            if (e.key === 'g') waits = Date.now() + 1500;
            else if (e.key === '/') palette();
            else if (e.key === '?') help();
            else if (e.key === 'j') step(1);
            else if (e.key === 'k') step(-1);
            else if (e.key === 'u' && undoLatest()) e.preventDefault();
            else return;
            e.preventDefault();
        };
        addEventListener('keydown', key);
        return () => removeEventListener('keydown', key);
    }, [pages, palette, help, paused]);
}

export function ShortcutList({ pages, close }: { pages: Page[]; close: () => void }) {
    return (
        <Dialog title={t('keys.title')} close={close}>
            <dl class="kv keys">
                <dt><kbd>{t('key.ctrl')} K</kbd> <kbd>/</kbd></dt><dd>{t('keys.palette')}</dd>
                {pages.map((p) => [<dt key={p.id}><kbd>g</kbd> <kbd>{p.letter}</kbd></dt>, <dd key={`${p.id}d`}>{t(p.title)}</dd>])}
                <dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>{t('keys.rows')}</dd>
                <dt><kbd>{t('key.enter')}</kbd></dt><dd>{t('keys.open')}</dd>
                <dt><kbd>u</kbd></dt><dd>{t('keys.undo')}</dd>
                <dt><kbd>Esc</kbd></dt><dd>{t('keys.close')}</dd>
                <dt><kbd>?</kbd></dt><dd>{t('keys.list')}</dd>
            </dl>
            <p class="xs muted spaced">{t('keys.off')}</p>
        </Dialog>
    );
}
