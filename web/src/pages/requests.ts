/** Requests over time by their result. */
import type { Event } from '../api/types';

export type Result = 'answered' | 'short' | 'refused' | 'silent';
export const results: Result[] = ['answered', 'short', 'refused', 'silent'];

export function resultOf(event: Event): Result {
    const f = event.fields ?? {};
    if (typeof f['fault'] === 'string') return 'silent';
    if (typeof f['result'] === 'string' && !/^0x0+$/.test(f['result'])) return 'refused';
    if (typeof f['count'] === 'number' && typeof f['required'] === 'number' && f['count'] < f['required']) return 'short';
    return 'answered';
}

export interface Buckets {
    /** Milliseconds, beginning of each. */
    times: number[];
    width: number;
    counts: Record<Result, number[]>;
    totals: Record<Result, number>;
}

const minute = 60_000;
const widths = [1, 2, 5, 10, 15, 30, 60].map((m) => m * minute);

/** The smallest bucket with which the span needs at most 30 of them. */
export function widthFor(span: number): number {
    return widths.find((w) => span / w <= 30) ?? 60 * minute;
}

/** Requests within one stretch of time, as GET /requests/history counts them. */
export interface Stretch {
    time: string;
    answered: number;
    short: number;
    refused: number;
    faulted: number;
}

/** @param from beginning of the span, as far back as requests are known; @param width of the stretches, milliseconds */
export function bucketsOf(stretches: Stretch[], width: number, from: number, to: number): Buckets {
    const first = Math.floor(from / width) * width;
    const n = Math.max(1, Math.floor((to - first) / width) + 1);
    const empty = () => new Array<number>(n).fill(0);
    const out: Buckets = {
        times: Array.from({ length: n }, (_, i) => first + i * width),
        width,
        counts: { answered: empty(), short: empty(), refused: empty(), silent: empty() },
        totals: { answered: 0, short: 0, refused: 0, silent: 0 },
    };
    for (const stretch of stretches) {
        const at = Math.floor((Date.parse(stretch.time) - first) / width);
        if (at < 0 || at >= n) continue;
        for (const result of results) {
            const count = result === 'silent' ? stretch.faulted : stretch[result];
            out.counts[result][at] = (out.counts[result][at] ?? 0) + count;
            out.totals[result] += count;
        }
    }
    return out;
}
