/** What comes after the first view. */
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';

/** A component whose file is asked for when it is first drawn; until then its place is empty. */
export function lazy<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
    let found: ComponentType<P> | undefined;
    return function Later(props: P) {
        const [, here] = useState(0);
        useEffect(() => {
            if (found) return undefined;
            let stands = true;
            load().then((module) => {
                found = module.default;
                if (stands) here(1);
            }).catch(() => undefined);
            return () => {
                stands = false;
            };
        }, []);
        const Found = found;
        return Found ? <Found {...props} /> : null;
    };
}
