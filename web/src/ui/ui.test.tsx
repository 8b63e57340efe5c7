import { render } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import type { Member } from '../api/types';
import { Guid, Name, Sev } from './bits';
import { path } from './count-chart';
import { parseDiff } from './diff';
import { groups, length, shortGuid, when } from './format';
import { linesOf, standsAlready, zonesOf } from './plan';
import Qr from './qr';
import { qrPath } from './qr-path';
import { choicesOf, kindOf, labelOf, listToNotation, notationToList, quote, rowsToNotation, splitUnit, toRows } from './schema';
import { clientQuery, eventQuery } from './search';
import { strokes, Tally } from './tally';

describe('tally', () => {
    it('has a stroke for each that is needed, solid as far as counted', () => {
        const list = strokes(19, 25, 1);
        expect(list).toHaveLength(25);
        expect(list.filter((s) => s.state === 'counted')).toHaveLength(18);
        expect(list.filter((s) => s.state === 'shared')).toHaveLength(1);
        expect(list.filter((s) => s.state === 'missing')).toHaveLength(6);
        expect(list[4]?.slash).toBe(true);
    });
    it('never has more strokes than needed, nor fewer than none', () => {
        expect(strokes(1284, 25).every((s) => s.state === 'counted')).toBe(true);
        expect(strokes(-1, 5).every((s) => s.state === 'missing')).toBe(true);
        expect(strokes(3, 0)).toEqual([]);
    });
    it('says in words what it shows', () => {
        expect(render(<Tally counted={19} needed={25} />)).toContain('19 of 25 strokes, 6 more needed.');
        expect(render(<Tally counted={30} needed={25} />)).toContain('25 of 25 strokes');
    });
});

describe('hostile names', () => {
    for (const name of ['<img src=x onerror=alert(1)>', '\u202egpj.exe', '=cmd|calc!A0', '"><script>', 'x'.repeat(63)])
        it(`${JSON.stringify(name)} stays text, isolated`, () => {
            const html = render(<Name>{name}</Name>);
            expect(html).toMatch(/^<bdi/);
            expect(html).not.toMatch(/<(img|script)/);
        });
});

describe('parts', () => {
    it('give severity shape, word and colour', () => {
        const html = render(<Sev level="warn">Silent</Sev>);
        expect(html).toContain('#i-warn');
        expect(html).toContain('Silent');
    });
    it('cut GUIDs in the middle and keep them whole in the title', () => {
        expect(shortGuid('b81d6f02-44c1-4e0a-9a2f-70c5d3e1184b')).toEqual(['b81d6f02', '184b']);
        expect(render(<Guid value="b81d6f02-44c1-4e0a-9a2f-70c5d3e1184b" />)).toContain('title="b81d6f02-44c1-4e0a-9a2f-70c5d3e1184b"');
    });
});

describe('times', () => {
    const now = new Date(2026, 10, 19, 21, 7, 30);
    it('are near in seconds, today by the clock, else by the day', () => {
        expect(when(new Date(now.getTime() - 4000), now)).toBe('4 s ago');
        expect(when(new Date(2026, 10, 19, 20, 11), now)).toBe('20:11');
        expect(when(new Date(2026, 10, 17, 20, 11), now)).toMatch(/17/);
        expect(when(new Date(2025, 10, 17), now)).toMatch(/2025/);
        expect(when(new Date(now.getTime() + 90_000), now)).toMatch(/:/);
    });
    it('have at most two units', () => {
        expect(length(59)).toBe('59 s');
        expect(length(3600)).toBe('1 h');
        expect(length(12_345)).toBe('3 h 25 min');
        expect(length(41 * 86_400)).toBe('41 d');
    });
});

describe('settings', () => {
    const members: Member[] = [
        { name: 'address', type: 'text', allowed: '', help: '', required: true }, { name: 'priority', type: 'integer', allowed: '', help: '', default: '0', required: false },
        { name: 'families', type: 'list of texts', allowed: '', help: '', default: '[]', required: false }, { name: 'versions', type: 'list of integers', allowed: '', help: '', required: false },
    ];
    it('know their control', () => {
        expect(kindOf({ type: 'duration' })).toBe('number');
        expect(kindOf({ type: 'list of objects' })).toBe('objects');
        expect(kindOf({ type: 'list of networks' })).toBe('list');
        expect(kindOf({ type: 'text', secret: true })).toBe('secret');
        expect(choicesOf('one of debug, info')).toEqual(['debug', 'info']);
        expect(choicesOf('text')).toEqual([]);
    });
    it('write lists as the file does', () => {
        expect(listToNotation('10.0.0.0/8\n\n fe80::/10 ')).toBe('[10.0.0.0/8, fe80::/10]');
        expect(notationToList('[10.0.0.0/8, fe80::/10]')).toBe('10.0.0.0/8\nfe80::/10');
        expect(notationToList('[]')).toBe('');
    });
    it('write objects so that nothing typed ends the text', () => {
        expect(quote('a"b\\c\n')).toBe('"a\\"b\\\\c\\u000a"');
        expect(rowsToNotation([{ address: 'kms-a"}, {x', priority: '1', families: 'win7, vista', versions: '4, 5' }], members)).toBe('[{address = "kms-a\\"}, {x", priority = 1, families = ["win7", "vista"], versions = [4, 5]}]');
        expect(rowsToNotation([], members)).toBe('[]');
    });
    it('leave out what stands at its default', () => expect(toRows([{ address: 'a', priority: 0, families: [] }], members)).toEqual([{ address: 'a', priority: '', families: '', versions: '' }]));
    it('have labels and units', () => {
        expect(labelOf('listener.max-connections')).toBe('Max connections');
        expect(splitUnit('30s')).toEqual(['30', 's']);
        expect(splitUnit('x')).toBeUndefined();
    });
});

describe('search', () => {
    it('knows names, CMIDs and addresses apart', () => {
        expect(clientQuery(' pc-1 ')).toEqual({ machine: 'pc-1' });
        expect(clientQuery('10.20.34.117')).toEqual({ address: '10.20.34.117' });
        expect(clientQuery('fe80::1')).toEqual({ address: 'fe80::1' });
        expect(clientQuery('B81D6F02-44c1')).toEqual({ cmid: 'b81d6f02-44c1' });
        expect(clientQuery('')).toEqual({});
        expect(eventQuery('12290')).toEqual({ id: '12290' });
        expect(eventQuery('b81d6f02-44c1-4e0a-9a2f-70c5d3e1184b')).toEqual({ cmid: 'b81d6f02-44c1-4e0a-9a2f-70c5d3e1184b' });
    });
});

describe('diffs', () => {
    it('are read line by line', () =>
        expect(parseDiff('--- revision 1\n+++ revision 2\n@@ -1 +1 @@\n a\n-b\n+c\n').map((l) => l.kind)).toEqual(['head', 'same', 'del', 'add']));
    it('of nothing have no lines', () => expect(parseDiff('')).toEqual([]));
    it('show a plan under the name of its record', () => {
        const change = { why: '', domain: 'd', zone: 'z', server: 's', auth: '', key: '', ours: true, held: '', expected: 'unknown' as const, problem: '' };
        const lines = linesOf([{ ...change, change: '=', record: '_vlmcs._tcp.d. 3600 IN SRV 0 0 1688 a.' }, { ...change, change: '+', record: '_vlmcs._tcp.d. 1200 IN SRV 0 100 1688 b.' }]);
        expect(lines.map((l) => l.kind)).toEqual(['head', 'same', 'add']);
        expect(zonesOf([{ ...change, change: '+', record: 'a' }, { ...change, change: '+', record: 'b' }])).toHaveLength(1);
    });
});

describe('count over time', () => {
    it('is drawn from zero', () => expect(path([{ time: 0, count: 0 }, { time: 10, count: 50 }], 0, 10, 50)).toBe('M0.0 98.0L380.0 12.0'));
});

describe('a secret', () => {
    it('is written in fours', () => expect([groups('ABCDEFGHIJ'), groups('')]).toEqual(['ABCD EFGH IJ', '']));
    it('is a code that has its three corners, and room around', () => {
        const { d, size } = qrPath('otpauth://totp/Muster:ada?secret=ABCDEFGH&issuer=Muster');
        const dark = new Set<string>();
        for (const [, x = '', y = '', run = ''] of d.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) for (let i = 0; i < Number(run); ++i) dark.add(`${Number(x) + i} ${y}`);
        // Seven dark modules, then a light one: the upper edge of a finder, in three corners and not in the fourth.
        const edge = (x: number, y: number) => Array.from({ length: 7 }, (_, i) => dark.has(`${x + i} ${y}`)).every(Boolean);
        expect([edge(4, 4), edge(size - 11, 4), edge(4, size - 11), edge(size - 11, size - 11)]).toEqual([true, true, true, false]);
        expect([...dark].some((at) => at.split(' ').some((n) => Number(n) < 4 || Number(n) >= size - 4))).toBe(false);
    });
    it('is a picture with a name, drawn without styles', () => {
        const html = render(<Qr text="otpauth://x" label="QR" />);
        expect(html).toContain('aria-label="QR"');
        expect(html).not.toMatch(/style=|data:/);
    });
});

describe('a plan of no change', () => {
    it('is done where our record stands, whatever an attempt before it said, and not where there is none', () => {
        const kept = { change: '=' as const, ours: true, problem: 'refused a moment ago' };
        expect(standsAlready([{ ...kept, ours: false }, kept])).toBe(true);
        expect(standsAlready([{ ...kept, ours: false }])).toBe(false);
        expect(standsAlready([kept, { ...kept, change: '+' }])).toBe(false);
        expect(standsAlready([])).toBe(false);
    });
});
