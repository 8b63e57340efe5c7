/** What the sections of this page share. */
import type { ComponentChildren } from 'preact';
import { useCallback } from 'preact/hooks';
import { get } from '../../api/client';
import type { List, Role } from '../../api/types';
import { useResource, type Resource } from '../../api/use';
import { t } from '../../i18n';
import { Trouble, Waiting } from '../../ui/bits';

export const roles: Role[] = ['viewer', 'operator', 'admin'];

export function useList<T>(path: string): Resource<List<T>> {
    return useResource(useCallback((signal: AbortSignal) => get<List<T>>(path, {}, signal), [path]));
}

/** What stands while it is asked for, and what is said when this appliance has none of it. */
export function Part<T>({ of, children }: { of: Resource<T>; children: (data: T) => ComponentChildren }) {
    if (of.problem && !of.data) return of.problem.status === 404 ? <p class="muted">{t('problem.notOffered')}</p> : <Trouble problem={of.problem} again={of.reload} />;
    return of.data ? <>{children(of.data)}</> : <Waiting />;
}
