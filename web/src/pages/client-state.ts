/** How a machine stands: what it said of itself, and what it was answered. */
import type { Client } from '../api/types';
import { t, word } from '../i18n';

export type Standing = { level: 'ok' | 'warn' | 'crit' | 'note'; word: string; title: string; detail: string };

export const refused = (c: Pick<Client, 'result'>): boolean => c.result !== '' && !/^0x0+$/.test(c.result);
export const tooLow = (c: Pick<Client, 'count' | 'required'>): boolean => c.count < c.required;

export function standingOf(c: Client): Standing {
    const status = word('status', c.status);
    const by = c.upstream || t('client.thisLab');
    if (refused(c)) return { level: 'crit', word: t('client.refused'), title: t('client.refused.title'), detail: t('client.refused.detail', { by, result: c.result }) };
    if (c.status === 'licensed') return { level: 'ok', word: status, title: t('client.licensed.title'), detail: t('client.licensed.detail', { by, count: c.count }) };
    if (tooLow(c)) return { level: 'warn', word: status, title: t('client.short.title'), detail: t('client.short.detail', { by, count: c.count, required: c.required }) };
    if (c.status === 'notification') return { level: 'crit', word: status, title: t('client.answered.title'), detail: t('client.answered.detail', { by, count: c.count, status }) };
    return { level: 'note', word: status, title: t('client.answered.title'), detail: t('client.answered.detail', { by, count: c.count, status }) };
}
