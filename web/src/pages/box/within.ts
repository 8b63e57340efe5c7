/** Questions to a box that may be out of reach: a network on trial leaves connections that end in nothing. */
import { unreachable } from '../../api/problem';

/** As load, but as if nobody answered after so many milliseconds. */
export function within<T>(limit: number, signal: AbortSignal | undefined, load: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const end = () => own.abort();
    if (signal?.aborted) own.abort();
    signal?.addEventListener('abort', end);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
            reject(unreachable());
            own.abort();
        }, limit);
    });
    return Promise.race([load(own.signal), late]).finally(() => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
    });
}
