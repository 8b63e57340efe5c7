/** Who is here, which page stands, and the frame around it. */
import { Component, type ComponentChildren, type ComponentType } from 'preact';
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { send, setCsrf, setLogoutHandler } from '../api/client';
import { toProblem, type Problem } from '../api/problem';
import { fetchSession, nobody, SessionOf, type SessionContext } from '../api/session';
import type { Session } from '../api/types';
import { onLanguage, t } from '../i18n';
import { pages, type Page, type PageProps } from '../pages';
import { Trouble, Waiting } from '../ui/bits';
import { Sprite } from '../ui/icons';
import { Toasts } from '../ui/toast';
import { Frame } from './frame';
import { HealthProvider } from './health';
import { go, match, usePlace } from './router';

const extra: Record<'login' | 'setup', () => Promise<{ default: ComponentType<PageProps> }>> = {
    login: () => import('../pages/login'),
    setup: () => import('../pages/wizard'),
};

/** The page of a path, and what stands in its braces. */
export function find(path: string): { page: Page; params: Record<string, string> } | undefined {
    for (const page of pages)
        for (const pattern of page.paths) {
            const params = match(pattern, path);
            if (params) return { page, params };
        }
    return undefined;
}

/** One page that fails leaves the frame as it is. */
class Boundary extends Component<{ children: ComponentChildren }, { error: Problem | undefined }> {
    override state = { error: undefined as Problem | undefined };

    static override getDerivedStateFromError(error: unknown): { error: Problem } {
        return { error: toProblem(error) };
    }

    override render() {
        if (!this.state.error) return this.props.children;
        return <div class="work"><h1 class="vh">{t('problem.internal')}</h1><Trouble problem={this.state.error} again={() => this.setState({ error: undefined })} /></div>;
    }
}

const loaded = new Map<string, ComponentType<PageProps>>();

function Lazy({ id, load, params, query }: { id: string; load: () => Promise<{ default: ComponentType<PageProps> }> } & PageProps) {
    const [state, setState] = useState<{ id: string; problem?: Problem }>({ id: '' });
    useEffect(() => {
        let stands = true;
        if (!loaded.has(id))
            load().then(
                (module) => {
                    loaded.set(id, module.default);
                    if (stands) setState({ id });
                },
                (error: unknown) => {
                    if (stands) setState({ id, problem: toProblem(error) });
                },
            );
        return () => {
            stands = false;
        };
    }, [id, load]);
    const Found = loaded.get(id);
    if (Found) return <Boundary key={id}><Found params={params} query={query} /></Boundary>;
    if (state.id === id && state.problem) return <div class="work"><h1>{t('problem.load')}</h1><Trouble problem={state.problem} title={t('problem.load.detail')} again={() => location.reload()} /></div>;
    return <div class="work"><Waiting /></div>;
}

export function App() {
    const [session, setSession] = useState<Session>();
    const [problem, setProblem] = useState<Problem>();
    const [, words] = useState(0);
    const place = usePlace();

    const renew = useCallback(async (given?: Session) => {
        if (given) {
            setCsrf(given.csrf ?? '');
            setSession(given);
            return given;
        }
        const fresh = await fetchSession();
        setSession(fresh);
        setProblem(undefined);
        return fresh;
    }, []);
    const leave = useCallback(async () => {
        await send('POST', '/logout').catch(() => undefined);
        setCsrf('');
        await renew().catch(() => setSession(nobody));
        go('/login');
    }, [renew]);
    const start = useCallback(() => {
        renew().catch((error: unknown) => setProblem(toProblem(error)));
    }, [renew]);

    useEffect(start, [start]);
    useEffect(() => onLanguage(() => words((n) => n + 1)), []);
    useEffect(() => setLogoutHandler(() => setSession((s) => (s ? { ...s, authenticated: false } : s))), []);

    const context = useMemo<SessionContext>(() => ({ session: session ?? nobody, renew, leave }), [session, renew, leave]);

    let body: ComponentChildren;
    if (!session) {
        body = problem ? <main class="alone" id="main"><h1 class="vh">Muster</h1><Trouble problem={problem} again={start} /></main> : <main id="main" class="alone"><h1 class="vh">Muster</h1><Waiting /></main>;
    } else if (session.setup || (place.path === '/setup' && session.authenticated)) {
        body = <Lazy id="setup" load={extra.setup} params={{}} query={place.query} />;
    } else if (!session.authenticated) {
        body = <Lazy id="login" load={extra.login} params={{}} query={place.query} />;
    } else {
        const path = place.path === '/login' || place.path === '/setup' ? '/' : place.path;
        const found = find(path);
        body = (
            <HealthProvider>
                <Frame page={found?.page}>
                    {found ? <Lazy id={found.page.id} load={found.page.load} params={found.params} query={place.query} />
                        : <div class="work"><h1>{t('notFound.title')}</h1><p class="lede spaced2">{t('notFound.detail')}</p><p class="row spaced"><a class="btn go" href="/">{t('nav.overview')}</a></p></div>}
                </Frame>
            </HealthProvider>
        );
    }
    return <SessionOf.Provider value={context}><Sprite />{body}<Toasts /></SessionOf.Provider>;
}
