/** What a password must be before it is sent: the appliance judges the rest. */
import type { Key } from '../i18n';

export const minimumPassword = 12;

export function passwordProblem(password: string, again: string): Key | undefined {
    if (password.length < minimumPassword) return 'wizard.password.short';
    if (password !== again) return 'wizard.password.differ';
    return undefined;
}
