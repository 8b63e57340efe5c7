/** What the System page and the first run say of backups alike. */
import { t, word } from '../i18n';

export const shortestPassword = 12;

/** A part that a newer Muster made has no words here. */
export const partName = (name: string): string => word('backup.part', name);

/** Why these two are no password; "" when they are, or when there is none. */
export function passwordWrong(password: string, again: string): string {
    if (password === '') return '';
    if (password.length < shortestPassword) return t('backup.short', { n: shortestPassword });
    return password === again ? '' : t('backup.differ');
}
