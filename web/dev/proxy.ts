// For work on the page only, in no build: /api/v1 leads to a daemon's control socket, and what the web server adds to
// the API (sessions, users, tokens, certificate, audit log) is played here, in memory.
//
//   MUSTER_CONTROL=STATE/control.sock   the daemon
//   MUSTER_DEV_SETUP=1                  play an appliance that nobody has set up; the code is 123-456
//   MUSTER_DEV_ROLE=viewer              what the user may (admin)
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
interface Item { [key: string]: Json }

const policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const now = (): string => new Date().toISOString();

function answer(response: ServerResponse, status: number, body?: Json): void {
    response.statusCode = status;
    response.setHeader('Content-Type', status >= 400 ? 'application/problem+json' : 'application/json');
    response.end(body === undefined ? '' : JSON.stringify(body));
}

const problem = (response: ServerResponse, status: number, code: string, detail: string, hint = ''): void =>
    answer(response, status, { type: `urn:muster:problem:${code}`, title: code, status, code, detail, hint });

async function bodyOf(from: IncomingMessage): Promise<Item> {
    let text = '';
    for await (const piece of from) text += String(piece);
    return text === '' ? {} : (JSON.parse(text) as Item);
}

function played(socket: string) {
    let setup = process.env['MUSTER_DEV_SETUP'] === '1';
    let role = process.env['MUSTER_DEV_ROLE'] ?? 'admin';
    let users: Item[] = [{ name: 'admin', role, totp: false, lastLogin: now() }, { name: 'night-shift', role: 'operator', totp: true, lastLogin: null }];
    let tokens: Item[] = [{ id: '1', name: 'prometheus', role: 'viewer', expires: new Date(Date.now() + 30 * 864e5).toISOString(), lastUsed: now() }];
    const audit: Item[] = [];
    const csrf = 'development';
    let names: Json[] = ['muster-01.corp.example', '10.20.0.16'];

    const note = (action: string, what: string, before: Json = null, after: Json = null): void => {
        audit.unshift({ time: now(), who: 'admin', from: '10.20.8.44', action, what, before, after, result: 'done' });
    };

    const ask = (path: string): Promise<Item> =>
        new Promise((resolve) => {
            request({ socketPath: socket, path: `/api/v1${path}` }, (reply) => {
                bodyOf(reply).then(resolve, () => resolve({}));
            }).on('error', () => resolve({})).end();
        });

    // Kept by the browser, so that several of them are several sessions.
    const cookie = 'muster-dev=1';
    const enter = (to: ServerResponse): void => void to.setHeader('Set-Cookie', `${cookie}; Path=/; HttpOnly; SameSite=Strict`);

    const session = async (inside: boolean): Promise<Json> => {
        const status = await ask('/status');
        return { authenticated: inside, setup, version: status['version'] ?? '', mode: status['mode'] ?? 'none', ...(inside ? { name: 'admin', role, csrf } : {}) };
    };

    function forward(from: IncomingMessage, to: ServerResponse, path: string): void {
        const events = path.startsWith('/events/watch') && String(from.headers.accept).includes('text/event-stream');
        const onward = request({ socketPath: socket, path: `/api/v1${path}`, method: from.method, headers: { 'content-type': from.headers['content-type'] ?? 'application/json', ...(from.headers['content-length'] ? { 'content-length': from.headers['content-length'] } : {}) } }, (reply) => {
            to.statusCode = reply.statusCode ?? 502;
            to.setHeader('Content-Type', events ? 'text/event-stream' : (reply.headers['content-type'] ?? 'application/json'));
            if (!events) {
                reply.pipe(to);
                return;
            }
            to.write(': live\n\n');
            let rest = '';
            reply.on('data', (piece: Buffer) => {
                const lines = (rest + piece.toString()).split('\n');
                rest = lines.pop() ?? '';
                for (const line of lines) if (line.trim()) to.write(`data: ${line}\n\n`);
            });
            reply.on('end', () => to.end());
        });
        to.on('close', () => onward.destroy());
        onward.on('error', (error) => {
            if (!to.headersSent) problem(to, 502, 'internal', `No daemon answers on the control socket: ${error.message}`, 'Start one, and name its socket in MUSTER_CONTROL');
            else to.end();
        });
        from.pipe(onward);
    }

    return async (from: IncomingMessage, to: ServerResponse, path: string): Promise<void> => {
        const method = from.method ?? 'GET';
        const inside = String(from.headers.cookie).includes(cookie) && !setup;
        const what = `${method} ${path.split('?')[0] ?? ''}`;
        if (what === 'GET /session') return answer(to, 200, await session(inside));
        if (what === 'POST /login') {
            const body = await bodyOf(from);
            await new Promise((resolve) => setTimeout(resolve, 200));
            if (body['name'] === 'totp' && !body['totp']) return problem(to, 401, 'totp-needed', 'A one-time code is needed');
            if (body['password'] === 'wrong') return problem(to, 401, 'denied', 'User or password is wrong');
            if (body['password'] === 'slow') {
                to.setHeader('Retry-After', '30');
                return problem(to, 429, 'busy', 'Too many tries');
            }
            enter(to);
            note('login', 'session');
            return answer(to, 200, await session(true));
        }
        if (what === 'POST /setup') {
            const body = await bodyOf(from);
            if (String(body['code']).replace(/\D/g, '') !== '123456') return problem(to, 401, 'denied', 'The code is not the one that the console shows', 'musterctl setup-code prints it');
            setup = false;
            enter(to);
            role = 'admin';
            note('setup', String(body['name']));
            return answer(to, 200, await session(true));
        }
        if (!inside) return problem(to, 401, 'denied', 'Nobody is signed in');
        if (method !== 'GET' && from.headers['x-muster-csrf'] !== csrf) return problem(to, 403, 'denied', 'The request does not carry the token of this session');
        if (what === 'POST /logout') {
            to.setHeader('Set-Cookie', 'muster-dev=; Path=/; Max-Age=0');
            return answer(to, 204);
        }
        if (what === 'GET /users') return answer(to, 200, { items: users, next: null });
        if (what === 'POST /users') {
            const body = await bodyOf(from);
            if (users.some((u) => u['name'] === body['name'])) return problem(to, 409, 'duplicate', `There is a user ${String(body['name'])} already`);
            users.push({ name: body['name'] ?? '', role: body['role'] ?? 'viewer', totp: false, lastLogin: null });
            note('add', `user ${String(body['name'])}`);
            return answer(to, 200, users[users.length - 1] ?? null);
        }
        if (what === 'GET /tokens') return answer(to, 200, { items: tokens, next: null });
        if (what === 'POST /tokens') {
            const body = await bodyOf(from);
            tokens.push({ id: String(tokens.length + 2), name: body['name'] ?? '', role: body['role'] ?? 'viewer', expires: new Date(Date.now() + Number(body['days']) * 864e5).toISOString(), lastUsed: null });
            note('add', `token ${String(body['name'])}`);
            return answer(to, 200, { token: 'mst_4Zb1xQkT7mCw9LrN2vYdPfHs' });
        }
        if (what === 'GET /sessions') return answer(to, 200, { items: [{ id: 'a', name: 'admin', address: '10.20.8.44', started: now(), lastSeen: now(), current: true }], next: null });
        if (what === 'GET /certificate') return answer(to, 200, { subject: 'CN=muster-01.corp.example', issuer: 'CN=muster-01.corp.example', names, notBefore: now(), notAfter: new Date(Date.now() + 397 * 864e5).toISOString(), fingerprint: '9A:41:0C:E7:5D:B2:83:F6:17:2E:C9:60:BE:34:78:AD:01:5F:22:90:7C:E1:4B:D8:3A:66:F0:19:8E:54:A7:C3', selfSigned: true });
        if (what === 'POST /certificate/request') {
            names = ((await bodyOf(from))['names'] as Json[] | undefined) ?? names;
            return answer(to, 200, { request: '-----BEGIN CERTIFICATE REQUEST-----\nMIIBDzCBtgIBADAhMR8wHQYDVQQDDBZtdXN0ZXItMDEuY29ycC5leGFtcGxlMFkw\n-----END CERTIFICATE REQUEST-----\n' });
        }
        if (what === 'PUT /certificate') return problem(to, 400, 'malformed', 'The key does not belong to the certificate', 'Both come from one request');
        if (what === 'GET /audit') return answer(to, 200, { items: audit, next: null });
        const gone = /^DELETE \/(users|tokens|sessions)\/(.+)$/.exec(what);
        if (gone) {
            const id = decodeURIComponent(gone[2] ?? '');
            if (gone[1] === 'users') users = users.filter((u) => u['name'] !== id);
            if (gone[1] === 'tokens') tokens = tokens.filter((u) => u['id'] !== id);
            note('remove', `${String(gone[1])} ${id}`);
            return answer(to, 204);
        }
        if (method !== 'GET') note(method.toLowerCase(), path);
        forward(from, to, path);
    };
}

export function daemon(): Plugin {
    const socket = process.env['MUSTER_CONTROL'] ?? '';
    const serve = played(socket);
    const attach = (middlewares: Connect.Server, strict: boolean): void => {
        middlewares.use((from, to, next) => {
            const url = from.url ?? '/';
            if (url.startsWith('/api/v1/')) {
                serve(from, to, url.slice('/api/v1'.length)).catch((error: unknown) => problem(to, 500, 'internal', String(error)));
                return;
            }
            if (strict) to.setHeader('Content-Security-Policy', policy);
            next();
        });
    };
    return {
        name: 'muster-daemon',
        configureServer: (server) => attach(server.middlewares, false),
        configurePreviewServer: (server) => attach(server.middlewares, true),
    };
}
