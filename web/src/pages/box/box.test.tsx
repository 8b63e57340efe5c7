import { describe, expect, it } from 'vitest';
import type { Network, Slots } from '../../api/types';
import { addressOfHost, fateOf, pagesAt } from './address';
import { bodyOf, draftOf, findingsOf, isIdle, isSame, listed, type Draft } from './draft';
import { levelOf, mebibytes, systemsOf } from './firmware-state';
import { isTrial, step, type State } from './trial-state';
import { within } from './within';

const fresh: Network = {
    ports: [], nameServers: [], domains: [], secondsLeft: 0,
    live: [{ name: 'eth0', up: true, mac: '52:54:00:12:34:56', addresses: ['10.0.2.15/24', 'fe80::1/64'] }, { name: 'eth1', up: false, mac: '', addresses: [] }],
};
const fixed = (network: Network, name: string, addresses: string, gateway = ''): Draft => {
    const draft = draftOf(network);
    return { ...draft, ports: draft.ports.map((port) => (port.name === name ? { ...port, 4: { addressing: 'fixed', addresses, gateway } } : port)) };
};

describe('the network as a form', () => {
    it('shows every port, and says of a new box nothing', () => {
        const draft = draftOf(fresh);
        expect(draft.ports.map((port) => [port.name, port[4].addressing, port[6].addressing])).toEqual([['eth0', 'auto', 'auto'], ['eth1', 'auto', 'auto']]);
        expect(bodyOf(draft)).toEqual({ ports: [], nameServers: [], domains: [] });
    });
    it('shows a port that is set and not there', () => {
        const draft = draftOf({ ...fresh, ports: [{ name: 'eth7', ipv4: 'off', ipv6: 'auto', addresses: [] }] });
        expect(draft.ports[2]).toMatchObject({ name: 'eth7', live: undefined, 4: { addressing: 'off' } });
    });
    it('says what is fixed and leaves out what is not', () => {
        const draft = fixed(fresh, 'eth1', ' 10.9.0.7/24, 10.9.0.8/24\n', ' 10.9.0.1 ');
        expect(bodyOf({ ...draft, nameServers: '10.9.0.53\n\n9.9.9.9', domains: 'a.example b.example' })).toEqual({
            ports: [{ name: 'eth1', ipv4: 'fixed', ipv6: 'auto', addresses: ['10.9.0.7/24', '10.9.0.8/24'], gateway4: '10.9.0.1' }],
            nameServers: ['10.9.0.53', '9.9.9.9'], domains: ['a.example', 'b.example'],
        });
        const off = { ...draft, ports: draft.ports.map((port) => ({ ...port, 4: { ...port[4], addressing: 'auto' as const } })) };
        expect(bodyOf(off).ports).toEqual([]);
    });
    it('comes back as it was said', () => {
        const ports = [{ name: 'eth0', ipv4: 'fixed' as const, ipv6: 'fixed' as const, addresses: ['10.9.0.7/24', '2001:db8::7/64'], gateway4: '10.9.0.1', gateway6: 'fe80::1' }];
        expect(bodyOf(draftOf({ ...fresh, ports })).ports).toEqual(ports);
        expect(isSame(draftOf({ ...fresh, ports }), draftOf({ ...fresh, ports, secondsLeft: 7 }))).toBe(true);
        expect(isSame(draftOf({ ...fresh, ports }), draftOf(fresh))).toBe(false);
    });
    it('has nothing to do at a port without a cable that nobody has set', () => expect([...draftOf(fresh).ports, ...fixed(fresh, 'eth1', 'x').ports].map(isIdle)).toEqual([false, true, false, false]));
    it('takes lines, blanks and commas', () => expect(listed(' a,b\n\n c ')).toEqual(['a', 'b', 'c']));
    it('finds the field of each finding', () => {
        let draft = fixed(fresh, 'eth1', '10.9.0.7/24\nx');
        draft = { ...draft, ports: draft.ports.map((port) => (port.name === 'eth1' ? { ...port, 6: { addressing: 'fixed', addresses: 'y', gateway: 'z' } } : port)) };
        const names = ['ports[0].addresses[1]', 'ports[0].addresses[2]', 'ports[0].gateway6', 'ports[0].ipv4', 'nameServers[0]', 'domains[3]', 'ports[0].name', 'ports[4].name', 'else'];
        const found = findingsOf(names.map((name) => ({ name, found: '', allowed: '' })), draft);
        expect(Object.entries(found).flatMap(([field, list]) => list.map((one) => [one.name, field])).sort()).toEqual([
            ['ports[0].addresses[1]', 'eth1.4.addresses'], ['ports[0].addresses[2]', 'eth1.6.addresses'], ['ports[0].gateway6', 'eth1.6.gateway'], ['ports[0].ipv4', 'eth1.4.addressing'],
            ['nameServers[0]', 'nameServers'], ['domains[3]', 'domains'], ['ports[0].name', ''], ['ports[4].name', ''], ['else', ''],
        ].sort());
    });
    it('finds the field that is empty', () => expect(Object.keys(findingsOf([{ name: 'ports[0].addresses', found: '', allowed: '' }], fixed(fresh, 'eth1', '')))).toEqual(['eth1.4.addresses']));
});

describe('the address of the page', () => {
    const at = { protocol: 'https:', port: '8443' };
    it('is an address or a name', () => {
        expect(addressOfHost('[2001:DB8::7]')).toBe('2001:db8::7');
        expect(addressOfHost('10.0.2.15')).toBe('10.0.2.15');
        expect(addressOfHost('kms.example.org')).toBeUndefined();
    });
    it('stays, goes, or nobody knows', () => {
        expect(fateOf('10.0.2.15', fresh, bodyOf(draftOf(fresh)))).toBe('stays');
        expect(fateOf('10.0.2.15', fresh, bodyOf(fixed(fresh, 'eth0', '10.9.0.7/24')))).toBe('goes');
        expect(fateOf('10.0.2.15', fresh, bodyOf(fixed(fresh, 'eth0', '10.0.2.15/16')))).toBe('stays');
        expect(fateOf('10.0.2.15', fresh, bodyOf(fixed(fresh, 'eth1', '10.9.0.7/24')))).toBe('stays');
        expect(fateOf('192.0.2.1', fresh, bodyOf(fixed(fresh, 'eth0', '10.9.0.7/24')))).toBe('foreign');
        expect(fateOf('kms-1', fresh, bodyOf(fixed(fresh, 'eth0', '10.9.0.7/24')))).toBe('foreign');
        const set = { ...fresh, ports: bodyOf(fixed(fresh, 'eth0', '10.0.2.15/24')).ports };
        expect(fateOf('10.0.2.15', set, { ports: [], nameServers: [], domains: [] })).toBe('open');
        expect(fateOf('10.0.2.15', set, { ports: [{ name: 'eth0', ipv4: 'off', ipv6: 'auto', addresses: [] }], nameServers: [], domains: [] })).toBe('goes');
    });
    it('is then', () => {
        const ports = [{ name: 'eth0', ipv4: 'fixed' as const, ipv6: 'fixed' as const, addresses: ['10.9.0.7/24', '2001:db8::7/64'] }];
        expect(pagesAt({ ports }, at)).toEqual(['https://10.9.0.7:8443/box', 'https://[2001:db8::7]:8443/box']);
        expect(pagesAt({ ports: [] }, at)).toEqual([]);
    });
});

describe('a trial', () => {
    const tried = bodyOf(fixed(fresh, 'eth0', '10.9.0.7/24'));
    const set = (secondsLeft: number): Network => ({ ...fresh, ports: tried.ports, secondsLeft });
    const sent = step({ kind: 'none' }, { what: 'sent', tried, before: fresh, now: 0 });
    it('begins when it is sent, whether or not an answer comes', () => {
        expect(sent).toMatchObject({ kind: 'sent', until: 90_000 });
        expect(step(sent, { what: 'seen', network: fresh, now: 10 })).toBe(sent);  // of before
        expect(isTrial(step(sent, { what: 'lost' }))).toBe(true);
        expect(step(sent, { what: 'refused' })).toEqual({ kind: 'none' });
    });
    it('goes by what the box says', () => {
        const on = step(sent, { what: 'answered', network: set(88), now: 1000 });
        expect(on).toMatchObject({ kind: 'on', until: 89_000, before: fresh });
        expect(step(on, { what: 'seen', network: set(40), now: 50_000 })).toMatchObject({ kind: 'on', until: 90_000, before: fresh });
        expect(step(on, { what: 'seen', network: fresh, now: 95_000 })).toEqual({ kind: 'over', how: 'back' });
        expect(step(on, { what: 'seen', network: set(0), now: 50_000 })).toEqual({ kind: 'over', how: 'kept' });  // confirmed elsewhere
        expect(step(on, { what: 'decided', how: 'kept' })).toEqual({ kind: 'over', how: 'kept' });
    });
    it('is found again after the page was loaded anew', () => expect(step({ kind: 'none' }, { what: 'seen', network: set(33), now: 0 })).toMatchObject({ kind: 'on', until: 33_000, before: undefined, tried }));
    it('never began where the question was lost', () => {
        const lost = step(sent, { what: 'lost' });
        expect(step(lost, { what: 'seen', network: fresh, now: 5000 })).toEqual({ kind: 'none' });
        expect(step(lost, { what: 'seen', network: set(80), now: 5000 })).toMatchObject({ kind: 'on' });
        expect(step(lost, { what: 'seen', network: fresh, now: 95_000 })).toEqual({ kind: 'over', how: 'back' });
    });
    it('is none where nothing is new', () => expect(step(sent, { what: 'answered', network: fresh, now: 1 })).toEqual({ kind: 'none' }));
    it('leaves alone what is over', () => {
        const over: State = { kind: 'over', how: 'back' };
        expect(step(over, { what: 'seen', network: fresh, now: 0 })).toBe(over);
        expect(step(over, { what: 'lost' })).toBe(over);
        expect(step(over, { what: 'refused' })).toBe(over);
    });
});

describe('firmware', () => {
    const slots: Slots = { compatible: 'muster', booted: 'A', primary: 'boot.0', slots: [{ name: 'boot.0', boot: 'A', state: 'booted' }, { name: 'boot.1', boot: 'B', state: 'inactive' }, { name: 'root.0', state: 'active' }] };
    it('is one system that runs and one beside', () => {
        expect(systemsOf(slots)).toMatchObject({ booted: { boot: 'A' }, other: { boot: 'B' }, next: 'booted' });
        expect(systemsOf({ ...slots, primary: 'boot.1' }).next).toBe('other');
        expect(systemsOf({ ...slots, primary: '' }).next).toBeUndefined();
        expect(systemsOf({ ...slots, slots: [] })).toEqual({ booted: undefined, other: undefined, next: undefined });
    });
    it('says how bad it is', () => expect((['installed', 'failed', 'running', 'went-back'] as const).map(levelOf)).toEqual(['note', 'crit', 'ok', 'warn']));
    it('counts in MiB', () => expect([mebibytes(0), mebibytes(64_000_000)]).toEqual([0, 61]));
});

describe('a question to a box out of reach', () => {
    it('is given up', async () => {
        let aborted = false;
        const never = within(1, undefined, (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => {
            aborted = true;
            reject(new Error('aborted'));
        })));
        await expect(never).rejects.toMatchObject({ code: 'unreachable' });
        expect(aborted).toBe(true);
    });
    it('is answered as it would be', async () => {
        await expect(within(60_000, undefined, () => Promise.resolve(7))).resolves.toBe(7);
        await expect(within(60_000, undefined, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    });
});
