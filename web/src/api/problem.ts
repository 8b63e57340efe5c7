/** What went wrong, as RFC 9457 says it: always something that can be shown beside what failed. */
export interface Finding {
    name: string;
    found: string;
    allowed: string;
    where?: string;
}

export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        readonly detail: string,
        readonly hint = '',
        readonly errors: Finding[] = [],
        readonly retryAfter = 0,
    ) {
        super(detail);
    }
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** @param body what came: problem+json, or something that a proxy on the way said */
export function problemOf(status: number, body: unknown, retryAfter = 0): Problem {
    if (!isRecord(body)) return new Problem(status, status >= 500 ? 'internal' : 'malformed', text(body).slice(0, 300), '', [], retryAfter);
    const errors = Array.isArray(body['errors']) ? body['errors'].filter(isRecord) : [];
    return new Problem(
        status,
        text(body['code']) || 'internal',
        text(body['detail']) || text(body['title']),
        text(body['hint']),
        errors.map((e) => ({ name: text(e['name']), found: text(e['found']), allowed: text(e['allowed']), where: text(e['where']) })),
        retryAfter,
    );
}

/** Nobody answered at all. */
export const unreachable = (): Problem => new Problem(0, 'unreachable', '');

export function toProblem(error: unknown): Problem {
    return error instanceof Problem ? error : new Problem(0, 'internal', error instanceof Error ? error.message : String(error));
}
