/** Sign in. What is wrong is said without saying which half was. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { enter } from '../api/client';
import { toProblem } from '../api/problem';
import { useSession } from '../api/session';
import type { Session } from '../api/types';
import { LookMenu } from '../app/frame';
import { go } from '../app/router';
import { t } from '../i18n';
import { Labelled, useTitle } from '../ui/bits';
import { Mark } from '../ui/icons';
import { strokes, Strokes } from '../ui/tally';

export default function Login() {
    const { session, renew } = useSession();
    const [name, setName] = useState('');
    const [password, setPassword] = useState('');
    const [totp, setTotp] = useState('');
    const [asksTotp, setAsksTotp] = useState(false);
    const [error, setError] = useState('');
    const [wait, setWait] = useState(0);
    const [busy, setBusy] = useState(false);
    const user = useRef<HTMLInputElement>(null);
    useTitle(t('login.title', { host: location.hostname }));
    useEffect(() => user.current?.focus(), []);
    useEffect(() => {
        if (wait <= 0) return undefined;
        const timer = setTimeout(() => setWait(wait - 1), 1000);
        return () => clearTimeout(timer);
    }, [wait]);

    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        if (busy || wait > 0) return;
        setBusy(true);
        setError('');
        try {
            const entered = await enter<Session>('/login', { name, password, ...(totp ? { totp } : {}) });
            await renew(entered);
            if (location.pathname === '/login') go('/', true);
        } catch (thrown) {
            const problem = toProblem(thrown);
            if (problem.code === 'totp-needed') setAsksTotp(true);
            else if (problem.status === 429) {
                setWait(problem.retryAfter || 30);
            } else if (problem.status === 401 || problem.status === 403) {
                setError(t(asksTotp ? 'login.wrongTotp' : 'login.wrong'));
                setTotp('');
            } else setError(problem.code === 'unreachable' ? t('problem.unreachable.detail') : problem.detail);
        }
        setBusy(false);
    };
    return (
        <div class="login">
            <header class="art"><p class="brand"><Mark />Muster</p>
                <svg class="tallies" viewBox="0 0 256 164" aria-hidden="true" focusable="false">
                    <Strokes list={strokes(25, 25)} /><g transform="translate(0 60)"><Strokes list={strokes(19, 25)} /></g><g transform="translate(0 120)"><Strokes list={strokes(0, 25)} /></g>
                </svg>
                <p class="sm muted">{t('login.what', { version: session.version })}</p></header>
            <main id="main"><form onSubmit={(e) => void submit(e)} aria-labelledby="si">
                <div class="row"><h1 id="si">{t('login.title', { host: location.hostname })}</h1></div>
                <Labelled label={t('login.user')}>{(ids) => <input {...ids} ref={user} type="text" name="username" autocomplete="username" autocapitalize="none" spellcheck={false} required value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('login.password')} error={wait > 0 ? t('login.wait', { n: wait }) : error || undefined}>{(ids) => <input {...ids} type="password" name="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>
                {asksTotp && <Labelled label={t('login.totp')} help={t('login.totp.help')}>{(ids) => <input {...ids} type="text" name="totp" class="otp" autocomplete="one-time-code" inputMode="numeric" maxLength={16} required value={totp} ref={(el) => { if (el && totp === '') el.focus(); }} onInput={(e) => setTotp(e.currentTarget.value)} />}</Labelled>}
                <button class="btn go big" type="submit" disabled={busy || wait > 0}>{t('login.act')}</button>
                <p class="sm muted spaced">{t('login.lost')}</p>
                <div class="spaced loginlook"><LookMenu /></div>
            </form></main>
        </div>
    );
}
