/** Times, lengths and sizes as the reader writes them. */
import { currentLocale, t } from '../i18n';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const formats = new Map<string, Intl.DateTimeFormat>();
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = `${currentLocale()} ${name}`;
    let found = formats.get(key);
    if (!found) {
        found = new Intl.DateTimeFormat(currentLocale(), options);
        formats.set(key, found);
    }
    return found;
}

const clock = (date: Date): string => format('clock', { hour: '2-digit', minute: '2-digit', hour12: false }).format(date);

export const clockSeconds = (date: Date): string => format('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }).format(date);

/** "Thu, 19 Nov 2026, 21:07:00 CET" */
export const exact = (date: Date): string =>
    format('exact', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false, timeZoneName: 'short' }).format(date);

export function zone(date = new Date()): string {
    return format('zone', { timeZoneName: 'short' }).formatToParts(date).find((p) => p.type === 'timeZoneName')?.value ?? '';
}

/** "4 s ago" up to a minute, "21:07" today, "Tue 17 Nov" this year, else with the year. */
export function when(date: Date, now = new Date()): string {
    const age = now.getTime() - date.getTime();
    if (age >= 0 && age < minute) return t('time.secondsAgo', { n: Math.floor(age / 1000) });
    if (date.toDateString() === now.toDateString()) return clock(date);
    if (date.getFullYear() === now.getFullYear()) return format('day', { weekday: 'short', day: 'numeric', month: 'short' }).format(date).replace(',', '');
    return format('year', { day: 'numeric', month: 'short', year: 'numeric' }).format(date);
}

/** The clock for the axis of a figure: hours for a day, dates beyond. */
export function tick(date: Date, span: number): string {
    if (span > 2 * day) return format('tick', { day: 'numeric', month: 'short' }).format(date);
    return clock(date);
}

/** 12_345 s as "3 h 25 min": two units at most. */
export function length(seconds: number): string {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return t('time.s', { n: s });
    if (s < 3600) return t('time.min', { n: Math.floor(s / 60) });
    if (s < 86_400) {
        const rest = Math.floor((s % 3600) / 60);
        return t('time.h', { n: Math.floor(s / 3600) }) + (rest ? ` ${t('time.min', { n: rest })}` : '');
    }
    return t('time.d', { n: Math.floor(s / 86_400) });
}

export function micros(value: number): string {
    return value < 1000 ? t('time.us', { n: value }) : t('time.ms', { n: Math.round(value / 1000) });
}

/** "b81d6f02…184b" */
export function shortGuid(guid: string): [string, string] {
    return guid.length > 14 ? [guid.slice(0, 8), guid.slice(-4)] : [guid, ''];
}

/** The server's half sentences as whole ones. */
export const sentence = (text: string): string => (text === '' ? '' : text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.'));

/** A secret as a person types it: fours, with room between. */
export const groups = (text: string): string => text.match(/.{1,4}/g)?.join(' ') ?? '';
