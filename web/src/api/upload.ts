/** A large file on its way, with how far it is: what fetch does not tell. */
import { address, currentCsrf } from './client';
import { Problem, problemOf, unreachable } from './problem';

export interface Upload<T> {
    done: Promise<T>;
    abort: () => void;
}

/** What a promise of upload() fails with where a person ended it. */
export class Aborted extends Problem {
    constructor() {
        super(0, 'aborted', '');
    }
}

/** @param progress octets that have left; all of them: the appliance writes them to its disk */
export function upload<T>(path: string, file: Blob, progress: (sent: number) => void): Upload<T> {
    const request = new XMLHttpRequest();
    const done = new Promise<T>((resolve, reject) => {
        request.open('POST', address(path));
        request.setRequestHeader('Accept', 'application/json');
        request.setRequestHeader('Content-Type', 'application/octet-stream');
        request.setRequestHeader('X-Muster-CSRF', currentCsrf());
        request.upload.onprogress = (e) => progress(e.loaded);
        request.onload = () => {
            let said: unknown = '';
            try {
                said = JSON.parse(request.responseText);
            } catch {
                // of something on the way
            }
            if (request.status >= 200 && request.status < 300) resolve(said as T);
            else reject(problemOf(request.status, said, Number(request.getResponseHeader('Retry-After') ?? 0) || 0));
        };
        request.onerror = () => reject(unreachable());
        request.onabort = () => reject(new Aborted());
        request.send(file);
    });
    return { done, abort: () => request.abort() };
}
