/** The network as a form shows it, and as the API takes it. */
import type { Finding } from '../../api/problem';
import type { Addressing, LivePort, Network, NetworkPort } from '../../api/types';

export const families = [4, 6] as const;
export type Family = (typeof families)[number];

export interface FamilyDraft {
    addressing: Addressing;
    /** One a line, with the network's bits. */
    addresses: string;
    gateway: string;
}

export interface PortDraft {
    name: string;
    live: LivePort | undefined;
    4: FamilyDraft;
    6: FamilyDraft;
}

export interface Draft {
    ports: PortDraft[];
    nameServers: string;
    domains: string;
}

export const isV6 = (address: string): boolean => address.includes(':');
const familyOf = (address: string): Family => (isV6(address) ? 6 : 4);

/** What stands in a field for several: a line, a blank or a comma between them. */
export const listed = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);

function portDraft(name: string, live: LivePort | undefined, set: NetworkPort | undefined): PortDraft {
    const of = (family: Family): FamilyDraft => ({
        addressing: set?.[`ipv${family}`] ?? 'auto',
        addresses: (set?.addresses ?? []).filter((one) => familyOf(one) === family).join('\n'),
        gateway: set?.[`gateway${family}`] ?? '',
    });
    return { name, live, 4: of(4), 6: of(6) };
}

/** Every port that the box has, and those that only the settings know. */
export function draftOf(network: Network): Draft {
    const set = (name: string) => network.ports.find((port) => port.name === name);
    const ports = network.live.map((live) => portDraft(live.name, live, set(live.name)));
    for (const port of network.ports) if (!ports.some((one) => one.name === port.name)) ports.push(portDraft(port.name, undefined, port));
    return { ports, nameServers: network.nameServers.join('\n'), domains: network.domains.join('\n') };
}

const isAutomatic = (port: PortDraft): boolean => families.every((family) => port[family].addressing === 'auto');

export const isIdle = (port: PortDraft): boolean => isAutomatic(port) && port.live?.up === false;

export interface NetworkBody {
    ports: NetworkPort[];
    nameServers: string[];
    domains: string[];
}

function portBody(port: PortDraft): NetworkPort {
    const body: NetworkPort = { name: port.name, ipv4: port[4].addressing, ipv6: port[6].addressing, addresses: [] };
    for (const family of families) {
        if (port[family].addressing !== 'fixed') continue;
        body.addresses.push(...listed(port[family].addresses));
        const gateway = port[family].gateway.trim();
        if (gateway !== '') body[`gateway${family}`] = gateway;
    }
    return body;
}

/** A port without settings of its own is automatic: it is not said. */
const sent = (draft: Draft): PortDraft[] => draft.ports.filter((port) => !isAutomatic(port));

export const bodyOf = (draft: Draft): NetworkBody => ({ ports: sent(draft).map(portBody), nameServers: listed(draft.nameServers), domains: listed(draft.domains) });

export const isSame = (a: Draft, b: Draft): boolean => JSON.stringify(bodyOf(a)) === JSON.stringify(bodyOf(b));

/** Fields of the form: "eth0.4.addresses", "nameServers". */
export type Findings = Record<string, Finding[]>;

/** Which field each of the API's findings belongs to; what belongs to none is under ''. */
export function findingsOf(errors: readonly Finding[], draft: Draft): Findings {
    const found: Findings = {};
    const ports = sent(draft);
    for (const error of errors) (found[fieldOf(error.name, ports)] ??= []).push(error);
    return found;
}

function fieldOf(name: string, ports: PortDraft[]): string {
    const list = /^(nameServers|domains)\b/.exec(name)?.[1];
    if (list) return list;
    const parts = /^ports\[(\d+)\]\.(\w+)(?:\[(\d+)\])?/.exec(name);
    const port = ports[Number(parts?.[1] ?? Number.NaN)];
    if (!port || !parts) return '';
    const [, , member = '', item] = parts;
    const family = /[46]$/.exec(member)?.[0];
    if (member.startsWith('ipv')) return `${port.name}.${family}.addressing`;
    if (member.startsWith('gateway')) return `${port.name}.${family}.gateway`;
    if (member !== 'addresses') return '';
    const fixed = families.filter((one) => port[one].addressing === 'fixed');
    const first = fixed[0] ?? 4;
    if (item === undefined) return `${port.name}.${fixed.find((one) => listed(port[one].addresses).length === 0) ?? first}.addresses`;
    const before = port[4].addressing === 'fixed' ? listed(port[4].addresses).length : 0;
    return `${port.name}.${Number(item) < before ? 4 : fixed.includes(6) ? 6 : first}.addresses`;
}
