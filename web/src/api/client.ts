/** One door to /api/v1: same origin, JSON, the session's cookie, the CSRF header. */
import { problemOf, unreachable } from './problem';
import type { Json, List } from './types';

export type Query = Record<string, string | number | boolean | undefined | null>;

const root = '/api/v1';
let csrf = '';
/** Milliseconds by which the appliance's clock is ahead of this browser's; whole seconds are all that an answer says. */
let ahead: number | undefined;
let onLogout: () => void = () => undefined;

export function setCsrf(value: string): void {
    csrf = value;
}

export const currentCsrf = (): string => csrf;

/** Called when an answer says that the session has ended. */
export function setLogoutHandler(handler: () => void): void {
    onLogout = handler;
}

export function address(path: string, query: Query = {}): string {
    const words = new URLSearchParams();
    for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== null && value !== '') words.set(key, String(value));
    const tail = words.toString();
    return root + path + (tail ? `?${tail}` : '');
}

/** A part of a path: whatever it holds stays one part. */
export const part = (value: string): string => encodeURIComponent(value);

export const clockAhead = (): number | undefined => ahead;

/** @param sent when the request left, @param now when its answer was here: the truth lies between, and half a second on */
export function clockDifference(date: string | null, sent: number, now: number): number | undefined {
    const said = Date.parse(date ?? '');
    return Number.isNaN(said) ? undefined : said + 500 - (sent + now) / 2;
}

async function call(method: string, url: string, body: Json | Blob | undefined, signal: AbortSignal | undefined, keepsSession: boolean): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'application/json, text/plain' };
    if (method !== 'GET') headers['X-Muster-CSRF'] = csrf;
    const file = body instanceof Blob;
    if (body !== undefined) headers['Content-Type'] = file ? 'application/octet-stream' : 'application/json';
    let response: Response;
    const sent = Date.now();
    try {
        response = await fetch(url, { method, headers, signal: signal ?? null, body: body === undefined ? null : file ? body : JSON.stringify(body), credentials: 'same-origin', cache: 'no-store' });
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw unreachable();
    }
    ahead = clockDifference(response.headers.get('Date'), sent, Date.now()) ?? ahead;
    if (response.ok) return response;
    if (response.status === 401 && !keepsSession) onLogout();
    const said = await response.text();
    let parsed: unknown = said;
    try {
        parsed = JSON.parse(said);
    } catch {
        parsed = '';
    }
    throw problemOf(response.status, parsed, Number(response.headers.get('Retry-After') ?? 0) || 0);
}

async function json<T>(response: Response): Promise<T> {
    if (response.status === 204) return null as T;
    const said = await response.text();
    return (said === '' ? null : JSON.parse(said)) as T;
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
    return json<T>(await call('GET', address(path, query), undefined, signal, false));
}

export async function getText(path: string, query: Query = {}, signal?: AbortSignal): Promise<string> {
    return (await call('GET', address(path, query), undefined, signal, false)).text();
}

export async function send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: Json, query: Query = {}): Promise<T> {
    return json<T>(await call(method, address(path, query), body, undefined, false));
}

export async function sendText(method: 'POST', path: string, body?: Json): Promise<string> {
    return (await call(method, address(path), body, undefined, false)).text();
}

/** A file of this browser, as it is. */
export async function sendFile<T>(path: string, file: Blob): Promise<T> {
    return json<T>(await call('POST', address(path), file, undefined, false));
}

/** Login and set-up: a 401 is an answer there, not the end of a session. */
export async function enter<T>(path: string, body: Json): Promise<T> {
    return json<T>(await call('POST', address(path), body, undefined, true));
}

/** Every item of a list, page by page. @param most where to stop */
export async function all<T>(path: string, query: Query = {}, most = 1000, signal?: AbortSignal): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
        const page: List<T> = await get<List<T>>(path, { ...query, cursor }, signal);
        items.push(...page.items);
        cursor = page.next;
    } while (cursor !== null && items.length < most);
    return items;
}
