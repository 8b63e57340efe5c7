/** Every page: one line here, one file beside. */
import type { ComponentType } from 'preact';
import { loadWords, type Key } from '../i18n';
import type { IconName } from '../ui/icons';

export interface PageProps {
    params: Record<string, string>;
    query: URLSearchParams;
}

export interface Page {
    id: string;
    /** The first path leads there; the others are what stands below it. */
    paths: string[];
    title: Key;
    icon: IconName;
    /** Which block of the navigation. */
    group: 0 | 1 | 2;
    /** The letter after g. */
    letter: string;
    load: () => Promise<{ default: ComponentType<PageProps> }>;
    /** Only in this mode; else always. */
    mode?: 'lab' | 'relay';
}

export const pages: Page[] = [
    { id: 'overview', paths: ['/'], title: 'nav.overview', icon: 'overview', group: 0, letter: 'o', load: () => import('./overview') },
    { id: 'clients', paths: ['/clients', '/clients/{cmid}'], title: 'nav.clients', icon: 'clients', group: 0, letter: 'c', load: () => import('./clients') },
    { id: 'events', paths: ['/events'], title: 'nav.events', icon: 'events', group: 0, letter: 'e', load: () => import('./events') },
    { id: 'upstreams', paths: ['/upstreams', '/upstreams/{name}'], title: 'nav.upstreams', icon: 'upstreams', group: 1, letter: 'u', load: () => import('./upstreams') },
    { id: 'dns', paths: ['/dns'], title: 'nav.dns', icon: 'dns', group: 1, letter: 'd', load: () => import('./dns') },
    { id: 'lab', paths: ['/lab'], title: 'nav.lab', icon: 'lab', group: 1, letter: 'l', load: () => import('./lab'), mode: 'lab' },
    { id: 'plugins', paths: ['/plugins'], title: 'nav.plugins', icon: 'plugins', group: 2, letter: 'p', load: () => import('./plugins') },
    { id: 'settings', paths: ['/settings', '/settings/{section}'], title: 'nav.settings', icon: 'settings', group: 2, letter: 's', load: () => import('./settings') },
    { id: 'system', paths: ['/system'], title: 'nav.system', icon: 'system', group: 2, letter: 'y', load: () => import('./system') },
    { id: 'box', paths: ['/box'], title: 'nav.box', icon: 'box', group: 2, letter: 'b', load: () => Promise.all([import('./box'), loadWords('box')]).then(([page]) => page) },
    { id: 'audit', paths: ['/audit'], title: 'nav.audit', icon: 'audit', group: 2, letter: 'a', load: () => import('./audit') },
];
