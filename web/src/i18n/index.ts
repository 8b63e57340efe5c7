/** Words of the page: whole sentences, plural rules of the language, numbers as it writes them. */
import type { ComponentChildren } from 'preact';
import type { en as box } from './box-en';
import type { en } from './en';

export type Key = keyof typeof en | keyof typeof box;
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type Message = string | Plural;
export type Catalogue = Record<keyof typeof en, Message>;
export type Value = string | number;

export const languages = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof languages;

let language: Language = 'en';
// Only the reader's own language is loaded, before the first word is drawn.
let catalogue: Partial<Record<Key, Message>> = {};
/** Words of a page that the first view does without: they come with it. */
const parts = {
    box: { en: async () => (await import('./box-en')).en, de: async () => (await import('./box-de')).de },
};
const here = new Set<keyof typeof parts>();
let plurals = new Intl.PluralRules('en');
let locale = 'en';
let numbers = new Intl.NumberFormat('en');
const watchers = new Set<() => void>();

/** The region that the reader's system has for this language: en-GB writes days otherwise than en-US. */
export function localeFor(chosen: Language, wanted: readonly string[]): string {
    return wanted.find((tag) => tag.toLowerCase().split('-')[0] === chosen) ?? (chosen === 'en' ? 'en-GB' : chosen);
}

export function preferred(stored: string | null, wanted: readonly string[]): Language {
    if (stored === 'en' || stored === 'de') return stored;
    for (const tag of wanted) {
        const short = tag.toLowerCase().split('-')[0];
        if (short === 'en' || short === 'de') return short;
    }
    return 'en';
}

export async function loadLanguage(chosen: Language): Promise<void> {
    const own = chosen === 'de' ? (await import('./de')).de : (await import('./en')).en;
    let more: Partial<Record<Key, Message>>[] = [];
    // Until no part was asked for meanwhile.
    while (more.length !== here.size) more = await Promise.all([...here].map((name) => parts[name][chosen]()));
    catalogue = Object.assign({}, own, ...more) as Partial<Record<Key, Message>>;
    language = chosen;
    locale = localeFor(chosen, typeof navigator === 'undefined' ? [] : navigator.languages);
    plurals = new Intl.PluralRules(chosen);
    numbers = new Intl.NumberFormat(locale);
    if (typeof document !== 'undefined') document.documentElement.lang = chosen;
    for (const watcher of watchers) watcher();
}

/** Waits for the words of a part, now and whenever the language changes. */
export async function loadWords(name: keyof typeof parts): Promise<void> {
    here.add(name);
    for (let asked: Language | undefined; asked !== language;) {
        asked = language;
        const more = await parts[name][asked]();
        // What else came meanwhile stays; in another language it is asked for again.
        if (asked === language) catalogue = { ...catalogue, ...more };
    }
}

export const currentLanguage = (): Language => language;
export const currentLocale = (): string => locale;
export const number = (value: number): string => numbers.format(value);

export function onLanguage(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
}

function template(key: Key, values: Record<string, unknown>): string {
    const message = catalogue[key] ?? key;
    if (typeof message === 'string') return message;
    const n = values['n'];
    return (typeof n === 'number' ? message[plurals.select(n)] : undefined) ?? message.other;
}

/** The message, with {name} replaced by values; {n} chooses the plural form. */
export function t(key: Key, values: Record<string, Value> = {}): string {
    return template(key, values).replace(/\{(\w+)\}/g, (whole, name: string) => {
        const value = values[name];
        return value === undefined ? whole : typeof value === 'number' ? number(value) : value;
    });
}

/** The same, with elements in the places. */
export function tr(key: Key, values: Record<string, ComponentChildren>): ComponentChildren[] {
    return template(key, values)
        .split(/(\{\w+\})/)
        .map((piece) => {
            const name = /^\{(\w+)\}$/.exec(piece)?.[1];
            const value = name === undefined ? piece : values[name];
            return typeof value === 'number' ? number(value) : value;
        });
}

export function has(key: string): key is Key {
    return key in catalogue;
}

/** A word of the server in the reader's language; one that is not known stays as it is. */
export function word(group: string, value: string): string {
    const key = `${group}.${value}`;
    return has(key) ? t(key) : value;
}
