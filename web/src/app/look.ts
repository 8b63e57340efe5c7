/** Light, dark, more contrast: what the system says, unless the reader says otherwise here. */
export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const stored = (key: string): string => localStorage.getItem(`muster.${key}`) ?? '';

export const theme = (): Theme => themes.find((x) => x === stored('theme')) ?? 'system';
export const contrast = (): boolean => stored('contrast') === 'more';
/** Shortcuts of a single letter can be switched off. */
export const letters = (): boolean => stored('letters') !== 'off';

export function applyLook(): void {
    const root = document.documentElement;
    if (theme() === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = theme();
    if (contrast()) root.dataset['contrast'] = 'more';
    else delete root.dataset['contrast'];
    dispatchEvent(new Event('muster-look'));
}

export function choose(key: 'theme' | 'contrast' | 'letters', value: string): void {
    if (value === '' || value === 'system') localStorage.removeItem(`muster.${key}`);
    else localStorage.setItem(`muster.${key}`, value);
    applyLook();
}
