/** Questions to a box that may be out of reach: a network on trial leaves connections that end in nothing. */
import { unreachable } from '../../api/problem';

/** As load, but as if nobody answered after so many milliseconds. */
export function within<T>(limit: number, signal: AbortSignal | undefined, load: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const end = () => own.abort();
    if (signal?.aborted) own.abort();
    signal?.addEventListener('abort', end);
    let late = false;
    const timer = setTimeout(() => {
        late = true;
        own.abort();
    }, limit);
    return load(own.signal)
        .catch((error: unknown) => {
            throw late ? unreachable() : error;
        })
        .finally(() => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', end);
        });
}
