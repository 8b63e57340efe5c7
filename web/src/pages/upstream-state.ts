/** How an upstream is, as one word with its severity. */
import type { Upstream } from '../api/types';
import { t } from '../i18n';

export function conditionOf(u: Pick<Upstream, 'condition' | 'state'>): { level: 'ok' | 'warn' | 'note'; word: string } {
    if (u.state === 'maintenance') return { level: 'note', word: t('upstreams.maintenance') };
    if (u.state === 'draining') return { level: 'note', word: t('upstreams.draining') };
    if (u.condition === 'up') return { level: 'ok', word: t('upstreams.up') };
    if (u.condition === 'down') return { level: 'warn', word: t('upstreams.down') };
    return { level: 'note', word: t('upstreams.untried') };
}
