/** Whether this page is still reached by its address once the network is another, and by which it is then. */
import type { Network } from '../../api/types';
import { isV6, type NetworkBody } from './draft';

/** "[2001:DB8::7]" as the box writes it; nothing for a name. */
export function addressOfHost(host: string): string | undefined {
    const bare = host.replace(/^\[|\]$/g, '').toLowerCase();
    return bare.includes(':') || /^\d{1,3}(\.\d{1,3}){3}$/.test(bare) ? bare : undefined;
}

export const withoutBits = (address: string): string => address.replace(/\/\d+$/, '').toLowerCase();

export type Fate =
    | 'stays'
    | 'goes'
    /** By DHCP or by routers: nobody knows beforehand. */
    | 'open'
    /** It is not one of the box's own: a name, or an address of a proxy on the way. */
    | 'foreign';

/** @param host as location.hostname says it; @param now as the box is; @param next what would be set */
export function fateOf(host: string, now: Network, next: NetworkBody): Fate {
    const own = addressOfHost(host);
    const port = own === undefined ? undefined : now.live.find((live) => live.addresses.some((one) => withoutBits(one) === own));
    if (own === undefined || !port) return 'foreign';
    const member = isV6(own) ? 'ipv6' : 'ipv4';
    const after = next.ports.find((one) => one.name === port.name);
    const how = after?.[member] ?? 'auto';
    if (how === 'fixed') return after?.addresses.some((one) => withoutBits(one) === own) ? 'stays' : 'goes';
    if (how === 'off') return 'goes';
    const before = now.ports.find((one) => one.name === port.name)?.[member] ?? 'auto';
    return before === 'auto' ? 'stays' : 'open';
}

/** The page's addresses at what is fixed in there. */
export function pagesAt(next: Pick<NetworkBody, 'ports'>, at: Pick<Location, 'protocol' | 'port'>): string[] {
    const port = at.port === '' ? '' : `:${at.port}`;
    return next.ports.flatMap((one) => one.addresses).map(withoutBits).map((address) => `${at.protocol}//${isV6(address) ? `[${address}]` : address}${port}/box`);
}
