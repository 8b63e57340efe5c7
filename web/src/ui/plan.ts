/** The plan for DNS as lines of a diff, zone by zone. */
import type { DnsChange } from '../api/types';
import type { DiffLine } from './diff';

const kinds = { '+': 'add', '-': 'del', '=': 'same' } as const;

export function linesOf(changes: DnsChange[]): DiffLine[] {
    const lines: DiffLine[] = [];
    let name = '';
    for (const c of changes) {
        if (c.record === '') continue;
        const [owner = '', ...rest] = c.record.trim().split(/\s+/);
        if (owner !== name) lines.push({ kind: 'head', text: (name = owner) });
        lines.push({ kind: kinds[c.change], text: `  ${rest.join(' ')}${c.why ? `    ${c.why}` : ''}` });
    }
    return lines;
}

/** The zone as it was read just now has all of it; what an attempt before it was refused for is past. */
export const standsAlready = (changes: Pick<DnsChange, 'change' | 'ours'>[]): boolean => changes.every((c) => c.change === '=') && changes.some((c) => c.ours);

export interface Zone {
    domain: string;
    zone: string;
    server: string;
    changes: DnsChange[];
}

export function zonesOf(changes: DnsChange[]): Zone[] {
    const zones = new Map<string, Zone>();
    for (const c of changes) {
        const key = `${c.domain}\n${c.zone}\n${c.server}`;
        const zone = zones.get(key) ?? { domain: c.domain, zone: c.zone, server: c.server, changes: [] };
        zone.changes.push(c);
        zones.set(key, zone);
    }
    return [...zones.values()];
}
