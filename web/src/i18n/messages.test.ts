import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { de as boxDe } from './box-de';
import { en as boxEn } from './box-en';
import { de as firstDe } from './de';
import { en as firstEn } from './en';
import { has, loadLanguage, loadWords, localeFor, preferred, t, word, type Key, type Message } from './index';

const en: Record<string, Message> = { ...firstEn, ...boxEn };
const de: Record<string, Message> = { ...firstDe, ...boxDe };
const keys = Object.keys(en) as Key[];
const forms = (m: Message): string[] => (typeof m === 'string' ? [m] : Object.values(m));
const places = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

function sources(folder: string): string[] {
    return readdirSync(folder).flatMap((name) => {
        const path = join(folder, name);
        if (statSync(path).isDirectory()) return sources(path);
        return /\.tsx?$/.test(name) && !/\.test\.|i18n\/(box-)?(en|de)\.ts$/.test(path) ? [readFileSync(path, 'utf8')] : [];
    });
}

describe('catalogues', async () => {
    await loadWords('box');
    const code = sources(join(__dirname, '..')).join('\n');
    it('have the same keys', () => expect(Object.keys(de).sort()).toEqual([...keys].sort()));
    it('have the same placeholders in every form', () => {
        for (const key of keys) {
            const wanted = new Set(forms(en[key] ?? '').flatMap(places));
            expect(new Set(forms(de[key] ?? '').flatMap(places)), key).toEqual(wanted);
        }
    });
    it('have the plural forms that both languages need', () => {
        for (const key of keys) for (const m of [en[key], de[key]] as Message[]) if (typeof m !== 'string') expect(Object.keys(m).sort(), key).toEqual(['one', 'other']);
    });
    it('hold no key that nothing uses', () => {
        // Whole keys as they stand in the code, and groups whose last part comes from data: word('status', …), t(`result.${…}`).
        const groups = [...code.matchAll(/word\(\s*'([^']+)'/g), ...code.matchAll(/`([\w.-]+)\.\$\{/g)].map((m) => m[1]);
        const unused = keys.filter((k) => !code.includes(`'${k}'`) && !groups.some((g) => k.startsWith(`${g}.`)));
        expect(unused).toEqual([]);
    });
    it('hold every key that is asked for', () => {
        const asked = [...code.matchAll(/\btr?\(\s*'([^']+)'/g)].map((m) => m[1] ?? '');
        expect(asked.filter((k) => !has(k))).toEqual([]);
    });
    it('say neither please nor oops, and do not shout', () => {
        for (const key of keys) for (const text of [...forms(en[key] ?? ''), ...forms(de[key] ?? '')]) expect(text, key).not.toMatch(/please|bitte|oops|successful|erfolgreich|!/i);
    });
});

describe('messages', () => {
    it('of a part come when they are asked for, in the language of then and of later', async () => {
        await loadLanguage('en');
        expect(t('box.network')).toBe('Network');
        await loadWords('box');
        await loadLanguage('de');
        expect(t('box.network')).toBe('Netz');
        await Promise.all([loadWords('box'), loadLanguage('en')]);
        expect([t('box.network'), t('nav.audit')]).toEqual(['Network', 'Audit']);
        await Promise.all([loadLanguage('de'), loadWords('box')]);
        expect([t('box.network'), t('nav.clients')]).toEqual(['Netz', 'Clients']);
        await loadLanguage('en');
        expect(t('box.network')).toBe('Network');
    });
    it('choose the form by number, and write numbers as the language does', async () => {
        await loadLanguage('en');
        expect(t('clients.machines', { n: 1 })).toBe('1 machine');
        expect(t('clients.machines', { n: 1284 })).toBe('1,284 machines');
        await loadLanguage('de');
        expect(t('clients.machines', { n: 1284 })).toBe('1.284 Maschinen');
        await loadLanguage('en');
    });
    it('leave words of the server that they do not know', () => {
        expect(word('status', 'licensed')).toBe('Licensed');
        expect(word('status', '<b>7</b>')).toBe('<b>7</b>');
    });
    it('do not take a value for a placeholder', () => expect(t('alarm.down', { name: '{n}' })).toBe('{n} does not answer.'));
    it('go by what was stored, then by the browser', () => {
        expect(preferred('de', ['en-GB'])).toBe('de');
        expect(preferred(null, ['fr', 'de-AT', 'en'])).toBe('de');
        expect(preferred('xx', [])).toBe('en');
        expect(localeFor('en', ['de', 'en-GB'])).toBe('en-GB');
        expect(localeFor('de', ['en'])).toBe('de');
    });
});
