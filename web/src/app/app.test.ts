import { describe, expect, it } from 'vitest';
import { clockDifference } from '../api/client';
import { parseEvent } from '../api/live';
import { problemOf, toProblem, unreachable } from '../api/problem';
import { may } from '../api/session';
import type { Client, Event, Status } from '../api/types';
import { actionOf, objectOf } from '../pages/audit';
import { standingOf } from '../pages/client-state';
import { queryOf, sinceOf } from '../pages/clients';
import { clockOf } from '../pages/clock';
import { joined } from '../pages/events';
import { bucketsOf, resultOf, widthFor } from '../pages/requests';
import { reverse } from '../pages/settings';
import { passwordProblem } from '../pages/password';
import { stepsFor } from '../pages/wizard';
import { find } from './app';
import { alarmsOf, gaugeOf, type Facts } from './health';
import { fits } from './palette';
import { match } from './router';

const status: Status = { ready: true, mode: 'relay', version: '1', started: '', uptime: 1, listening: ['10.0.0.1:1688'], clients: 0, machines: 0, requests: 0, failed: 0, requestsPerSecond: 0, inFlight: 0, answersNotDurable: 0, pluginsStarted: 6, pluginsFailed: 0, safeMode: false, degraded: false, trouble: [] };
const upstream = { name: 'kms-a', address: 'a:1688', condition: 'up' as const, state: 'active' as const, stateFrom: 'settings', priority: 0, weight: 100, why: 'answers', addresses: [], families: [], versions: [], countsVirtual: 'unknown' as const, discoveredIn: '', asked: 0, answers: 0, failures: 0, associations: 0, reading: '' };
const facts: Facts = { status, pool: undefined, gauges: [], upstreams: [upstream], domains: [], targets: [], at: 0 };
const client = { count: 30, required: 25, result: '0x00000000', status: 'licensed', upstream: 'kms-a' } as Client;
const request = (fields: Event['fields'], seq = 1, machine = 'pc', time = '2026-11-19T20:00:00Z'): Event => ({ seq, time, id: 12290, severity: 'information', source: 'core', message: '', info: '', machine, cmid: 'c', upstream: '', attempts: 1, waited: 1, fields });

describe('paths', () => {
    it('lead to pages', () => {
        expect(find('/')?.page.id).toBe('overview');
        expect(find('/clients/abc')?.params).toEqual({ cmid: 'abc' });
        expect(find('/clients/a/b')).toBeUndefined();
        expect(find('/upstreams/10.0.0.1%3A1688')?.params).toEqual({ name: '10.0.0.1:1688' });
        expect(match('/x/{y}', '/x/%')).toBeUndefined();
    });
});

describe('judgement', () => {
    it('is silent when all is well', () => expect(alarmsOf(facts)).toEqual([]));
    it('puts the worst first', () => {
        const alarms = alarmsOf({ ...facts, pool: { machines: 58, cmids: 19, virtual: 0, duplicateCmids: 1, duplicateMachines: 40, surplusRequests: 0, trouble: '', products: [], statuses: [] }, gauges: [{ id: 'x', product: 'Windows 7', machines: 58, count: 19, needed: 25, by: 'kms-b', seen: '' }] });
        expect(alarms.map((a) => a.level)).toEqual(['crit', 'warn']);
        expect(alarms[0]?.title).toBe('6 more machines are needed before Windows 7 activates.');
    });
    it('takes one silent host of two for a warning, and all of them for a disaster', () => {
        const down = { ...upstream, name: 'kms-b', condition: 'down' as const };
        expect(alarmsOf({ ...facts, upstreams: [upstream, down] }).map((a) => a.level)).toEqual(['warn']);
        expect(alarmsOf({ ...facts, upstreams: [down] }).map((a) => a.level)).toEqual(['crit']);
        expect(alarmsOf({ ...facts, upstreams: [{ ...down, state: 'maintenance' }, upstream] })).toEqual([]);
        expect(alarmsOf({ ...facts, upstreams: [] }).map((a) => a.id)).toEqual(['no-upstream']);
    });
    it('does not say twice that no mode is chosen', () => expect(alarmsOf({ ...facts, upstreams: [], status: { ...status, mode: 'none', ready: false, trouble: ['no mode is chosen, clients get a fault'] } }).map((a) => a.id)).toEqual(['mode']));
    it('counts as the newest answer counts', () => {
        const product = { application: '', countedId: 'i', product: 'Windows Server 2008', machines: 4, cmids: 4, counted: 4, virtual: 0, lastSeen: '2026-11-19T20:00:00Z', count: 30, required: 25, upstream: 'kms-a' };
        expect(gaugeOf(product)).toMatchObject({ count: 30, needed: 25, by: 'kms-a' });
        expect(gaugeOf({ ...product, count: 0, required: 0 })).toMatchObject({ count: 4, needed: 5 });
    });
});

describe('clients', () => {
    it('stand as they were answered', () => {
        expect(standingOf(client).level).toBe('ok');
        expect(standingOf({ ...client, status: 'initial-grace', count: 19 }).level).toBe('warn');
        expect(standingOf({ ...client, result: '0xC004F050' }).level).toBe('crit');
        expect(standingOf({ ...client, status: 'initial-grace' }).level).toBe('note');
    });
    it('are filtered by the address of the page', () => {
        expect(queryOf(new URLSearchParams('q=pc&status=licensed'))).toEqual({ machine: 'pc', status: 'licensed', sort: 'last-seen' });
        expect(sinceOf('1d', Date.parse('2026-11-19T20:30:00Z'))).toBe('2026-11-18T20:00:00.000Z');
    });
});

describe('requests', () => {
    it('have one result each', () => {
        expect(resultOf(request({ result: '0x00000000', fault: null, count: 25, required: 25 }))).toBe('answered');
        expect(resultOf(request({ result: '0x00000000', fault: null, count: 24, required: 25 }))).toBe('short');
        expect(resultOf(request({ result: '0xC004F042', fault: null }))).toBe('refused');
        expect(resultOf(request({ result: '0x00000000', fault: '0x000006BA' }))).toBe('silent');
        expect(resultOf(request({ result: '0x00000000', fault: null }))).toBe('answered');
    });
    it('fall into buckets of a readable width', () => {
        expect(widthFor(24 * 3_600_000)).toBe(3_600_000);
        expect(widthFor(25 * 60_000)).toBe(60_000);
        const from = Date.parse('2026-11-19T19:50:00Z');
        const b = bucketsOf([{ time: '2026-11-19T20:00:00Z', answered: 2, short: 1, refused: 0, faulted: 4 }, { time: '2026-11-19T19:49:00Z', answered: 9, short: 9, refused: 9, faulted: 9 }], 60_000, from, from + 20 * 60_000);
        expect(b.totals).toEqual({ answered: 2, short: 1, refused: 0, silent: 4 });
        expect(b.counts.short[10]).toBe(1);
    });
    it('join when they are equal neighbours', () => {
        const a = { result: '0x0', count: 1, required: 25 };
        expect(joined([request(a, 3), request(a, 2), request(a, 1, 'other')], true).map((l) => l.n)).toEqual([2, 1]);
        expect(joined([request(a, 3), request(a, 2)], false)).toHaveLength(2);
    });
    it('that are damaged in the stream are left out', () => {
        expect(parseEvent('{"seq":1}')?.seq).toBe(1);
        expect(parseEvent('{')).toBeUndefined();
    });
});

describe('problems', () => {
    it('come from any answer', () => {
        expect(problemOf(400, { code: 'malformed', detail: 'x', hint: 'y', errors: [{ name: 'n', found: 'f', allowed: 'a' }, 7] })).toMatchObject({ code: 'malformed', hint: 'y', errors: [{ name: 'n' }] });
        expect(problemOf(502, 'bad gateway').code).toBe('internal');
        expect(problemOf(429, { code: 'busy' }, 30).retryAfter).toBe(30);
        expect(unreachable().status).toBe(0);
        expect(toProblem('x').detail).toBe('x');
    });
});

describe('rights and steps', () => {
    it('rank the roles', () => {
        const session = { authenticated: true, setup: false, role: 'operator' as const, version: '', mode: 'lab' as const };
        expect(may(session, 'viewer')).toBe(true);
        expect(may(session, 'admin')).toBe(false);
        expect(may({ ...session, authenticated: false }, 'viewer')).toBe(false);
    });
    it('follow the mode', () => {
        expect(stepsFor('lab')).toEqual(['admin', 'factor', 'mode', 'check', 'key', 'alarms', 'backup', 'done']);
        expect(stepsFor('relay')).toEqual(['admin', 'factor', 'mode', 'check', 'hosts', 'dns', 'alarms', 'backup', 'done']);
    });
    it('judge passwords', () => {
        expect(passwordProblem('short', 'short')).toBe('wizard.password.short');
        expect(passwordProblem('a long enough one', 'other')).toBe('wizard.password.differ');
        expect(passwordProblem('a long enough one', 'a long enough one')).toBeUndefined();
    });
    it('of the palette: letters in their order', () => {
        expect(fits('Upstreams', 'usm')).toBe(true);
        expect(fits('Upstreams', 'mu')).toBe(false);
    });
});

describe('what the appliance says itself', () => {
    it('is not repeated for a host that has its own alarm', () =>
        expect(alarmsOf({ ...facts, status: { ...status, trouble: ['upstream kms-b is down: 3 of 3 tries; see upstream list'] }, upstreams: [upstream, { ...upstream, name: 'kms-b', condition: 'down' }] }).map((a) => a.id)).toEqual(['up kms-b']));
    it('is shown as sentences', () => expect(alarmsOf({ ...facts, status: { ...status, trouble: ['records do not reach the disk; see the log'] } })[0]).toMatchObject({ title: 'Records do not reach the disk.', detail: 'See the log.' }));
});

describe('the clock', () => {
    const at = Date.parse('2026-11-19T20:00:10Z');
    it('is read from the head of an answer, as well as whole seconds allow', () => {
        expect(clockDifference('Thu, 19 Nov 2026 20:00:09 GMT', at - 600, at - 400)).toBe(0);
        expect(clockDifference('Thu, 19 Nov 2026 20:05:10 GMT', at, at)).toBe(300_500);
        expect(clockDifference(null, at, at)).toBeUndefined();
        expect(clockDifference('yesterday', at, at)).toBeUndefined();
    });
    it('may be off by a minute, whichever way, and not by more', () => {
        expect(clockOf(60_000)).toEqual({ level: 'ok', seconds: 60 });
        expect(clockOf(-61_000)).toEqual({ level: 'warn', seconds: 61 });
        expect(clockOf(undefined).level).toBe('note');
    });
});

describe('the audit log', () => {
    it('says in words what was done, and to what', () => {
        expect(actionOf({ action: 'PATCH /users/{name}' })).toBe('Changed user');
        expect(actionOf({ action: 'POST /nobody/knows' })).toBe('POST /nobody/knows');
        expect(objectOf({ what: { name: 'ada' } })).toBe('ada');
        expect(objectOf({ what: {}, after: { name: 'bob', role: 'viewer' } })).toBe('bob');
        expect(objectOf({ what: {}, before: { 'pool.record': 'true' }, after: { 'pool.record': 'false' } })).toBe('pool.record');
        expect(objectOf({ what: '' })).toBe('');
    });
});

describe('settings', () => {
    it('go back to what they were, also where no revision stands before', () => {
        const list = [{ key: 'a.b', source: 'default', value: '1' }, { key: 'a.c', source: 'file', value: '"x"' }, { key: 'a.d', source: 'file', value: '2' }];
        expect(reverse(list, ['a.b', 'a.c'])).toEqual({ unset: ['a.b'], set: ['a.c="x"'] });
        expect(reverse(list, [])).toEqual({});
    });
});
