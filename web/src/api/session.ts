/** Who is at the page, and what they may. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { get, setCsrf } from './client';
import type { Role, Session } from './types';

const ranks: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

export const nobody: Session = { authenticated: false, setup: false, version: '', mode: 'none' };

export interface SessionContext {
    session: Session;
    /** Asks anew; or takes what login and set-up answered. */
    renew: (session?: Session) => Promise<Session>;
    leave: () => Promise<void>;
}

export const SessionOf = createContext<SessionContext>({ session: nobody, renew: () => Promise.resolve(nobody), leave: () => Promise.resolve() });

export async function fetchSession(): Promise<Session> {
    const session = await get<Session>('/session');
    setCsrf(session.csrf ?? '');
    return session;
}

export const useSession = (): SessionContext => useContext(SessionOf);

export function may(session: Session, role: Role): boolean {
    return session.authenticated && session.role !== undefined && ranks[session.role] >= ranks[role];
}

export function useMay(role: Role): boolean {
    return may(useSession().session, role);
}
