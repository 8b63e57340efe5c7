/** Paths, without hashes: the history of the browser is the only state. */
import { useEffect, useState } from 'preact/hooks';

export interface Place {
    path: string;
    query: URLSearchParams;
}

const watchers = new Set<() => void>();
let guard: (() => boolean) | undefined;

export function here(): Place {
    return { path: location.pathname.replace(/\/+$/, '') || '/', query: new URLSearchParams(location.search) };
}

/** @param ask false keeps the page where it is (changes that are not applied) */
export function setGuard(ask: (() => boolean) | undefined): void {
    guard = ask;
}

export function go(to: string, replace = false): void {
    const leaves = new URL(to, location.href).pathname !== location.pathname;
    if (leaves && guard && !guard()) return;
    if (leaves) guard = undefined;
    if (replace) history.replaceState(null, '', to);
    else history.pushState(null, '', to);
    if (leaves && !replace) scrollTo(0, 0);
    for (const watcher of watchers) watcher();
}

/** Puts words into the address, and takes out those without a value. */
export function setQuery(words: Record<string, string | undefined>, replace = true): void {
    const query = new URLSearchParams(location.search);
    for (const [key, value] of Object.entries(words))
        if (value === undefined || value === '') query.delete(key);
        else query.set(key, value);
    const tail = query.toString();
    go(location.pathname + (tail ? `?${tail}` : ''), replace);
}

export function usePlace(): Place {
    const [place, setPlace] = useState(here);
    useEffect(() => {
        const moved = () => setPlace(here());
        watchers.add(moved);
        addEventListener('popstate', moved);
        return () => {
            watchers.delete(moved);
            removeEventListener('popstate', moved);
        };
    }, []);
    return place;
}

/** Links of this page go through the history; all others, and what opens elsewhere, go their usual way. */
export function takeLinks(): void {
    document.addEventListener('click', (click) => {
        if (click.defaultPrevented || click.button !== 0 || click.metaKey || click.ctrlKey || click.shiftKey || click.altKey) return;
        const link = click.target instanceof Element ? click.target.closest('a') : null;
        if (!link || link.target || link.hasAttribute('download') || !link.href) return;
        const url = new URL(link.href);
        if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
        if (url.hash && url.pathname === location.pathname) return;
        click.preventDefault();
        go(url.pathname + url.search);
    });
}

/** "/clients/{cmid}" against a path: what stands in the braces, or undefined. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
    const wanted = pattern.split('/');
    const given = path.split('/');
    if (wanted.length !== given.length) return undefined;
    const found: Record<string, string> = {};
    for (let i = 0; i < wanted.length; ++i) {
        const word = wanted[i] ?? '';
        const value = given[i] ?? '';
        if (word.startsWith('{')) {
            try {
                found[word.slice(1, -1)] = decodeURIComponent(value);
            } catch {
                return undefined;
            }
        } else if (word !== value) return undefined;
    }
    return found;
}
