/** What a person types into a search: a name's beginning, a CMID's, or an address. */
import type { Query } from '../api/client';

const address = /^(?:\d{1,3}\.){3}\d{1,3}$|^[0-9a-f]*:[0-9a-f:]+$/i;
const cmid = /^[0-9a-f]{8}(?:-[0-9a-f]{0,4}){1,4}[0-9a-f]{0,8}$|^[0-9a-f]{8}$/i;

export function clientQuery(words: string): Query {
    const text = words.trim();
    if (text === '') return {};
    if (address.test(text)) return { address: text };
    if (cmid.test(text)) return { cmid: text.toLowerCase() };
    return { machine: text };
}

export function eventQuery(words: string): Query {
    const text = words.trim();
    if (text === '') return {};
    if (/^\d{5,6}$/.test(text)) return { id: text };
    if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(text)) return { cmid: text.toLowerCase() };
    return { machine: text };
}
