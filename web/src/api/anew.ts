/** Muster begins anew in its process: it is away for a moment, and then another life than before. */
import { t } from '../i18n';
import { get } from './client';
import { Problem } from './problem';
import type { Status } from './types';

const pause = 500;  // ms
const most = 120_000;  // ms: a pool of a million clients is put in place and opened by then

/** Which life this is; asked before it is ended. */
export const begun = async (): Promise<string> => (await get<Status>('/status')).started;

/** @param before the life that ends; @throws Problem when the next does not come, or when the session has ended with it (401) */
export async function begunAnew(before: string): Promise<void> {
    const end = Date.now() + most;
    while (Date.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, pause));
        try {
            if ((await begun()) !== before) return;
        } catch (error) {
            // Away, or not all of it there yet: that is what is waited for.
            if (!(error instanceof Problem) || error.status === 401) throw error;
        }
    }
    throw new Problem(0, 'timeout', t('anew.slow'));
}
