/** A second factor for oneself: the secret as a picture and as letters, then a first code as the proof that it arrived. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { send } from '../api/client';
import type { Session } from '../api/types';
import { useAct } from '../api/use';
import { t } from '../i18n';
import { CopyButton, Labelled, Trouble, Waiting } from '../ui/bits';
import { groups } from '../ui/format';
import { lazy } from '../ui/lazy';

const Qr = lazy(() => import('../ui/qr'));

interface Begun {
    secret: string;
    uri: string;
}

interface Props {
    /** With the session that goes on: all others of this user have ended. */
    done: (session: Session) => void;
    /** The row of buttons, with the one that confirms in it. */
    foot: (busy: boolean, ready: boolean) => ComponentChildren;
}

export function Enrol({ done, foot }: Props) {
    const [begun, setBegun] = useState<Begun>();
    const [code, setCode] = useState('');
    const begin = useAct();
    const confirm = useAct();
    const start = begin.run;
    useEffect(() => void start(async () => setBegun(await send<Begun>('POST', '/session/totp'))), [start]);
    const submit = (e: SubmitEvent) => {
        e.preventDefault();
        void confirm.run(async () => done(await send<Session>('PUT', '/session/totp', { code: code.replace(/\s/g, '') })));
    };
    const wrong = confirm.problem && confirm.problem.code === 'denied' ? t('factor.wrong') : undefined;
    return (
        <form onSubmit={submit} class="spaced">
            {begin.problem && <Trouble problem={begin.problem} again={() => void start(async () => setBegun(await send<Begun>('POST', '/session/totp')))} />}
            {!begun && !begin.problem && <Waiting />}
            {begun && <div class="enrol"><Qr text={begun.uri} label={t('factor.qr')} />
                <div><p>{t('factor.scan')}</p>
                    <div class="cmd spaced2"><code class="secret">{groups(begun.secret)}</code><CopyButton text={begun.secret} label={t('factor.copy')} /></div>
                    <p class="xs muted spaced2">{t('factor.kind')} <a href={begun.uri}>{t('factor.open')}</a></p>
                    <Labelled label={t('factor.code')} help={t('factor.code.help')} error={wrong}>{(ids) => <input {...ids} type="text" class="otp short" required inputMode="numeric" autocomplete="one-time-code" pattern="[0-9 ]{6,12}" title={t('login.totp.help')} maxLength={12} value={code} onInput={(e) => setCode(e.currentTarget.value)} />}</Labelled></div></div>}
            {confirm.problem && !wrong && <div class="spaced"><Trouble problem={confirm.problem} /></div>}
            {foot(confirm.busy, begun !== undefined)}
        </form>
    );
}
