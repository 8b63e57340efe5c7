/** The second factor of whoever looks: on, off, and what to do when the telephone is gone. */
import { useState } from 'preact/hooks';
import { part, send } from '../../api/client';
import { may, useSession } from '../../api/session';
import { useAct } from '../../api/use';
import { t, word } from '../../i18n';
import { Command, Sev } from '../../ui/bits';
import { Confirm, Dialog } from '../../ui/dialog';
import { toast } from '../../ui/toast';
import { Enrol } from '../second-factor';

export function SecondFactor() {
    const { session, renew } = useSession();
    const [open, setOpen] = useState<'enrol' | 'off'>();
    const act = useAct();
    const name = session.name ?? '';
    const admin = may(session, 'admin');
    const close = () => setOpen(undefined);
    const off = () => void act.run(async () => {
        await send('PATCH', `/users/${part(name)}`, { 'remove-totp': true });
        close();
        toast(t('factor.isOff'));
        await renew();  // whoever turned it off signs in anew
    });
    return (
        <section class="sect" aria-labelledby="sf"><div class="head"><h2 id="sf">{t('system.second')}</h2>{session.totp ? <Sev level="ok">{t('factor.on')}</Sev> : <Sev level="note">{t('system.noTotp')}</Sev>}
            <span class="gap row">{session.totp
                ? <><button class="btn" type="button" onClick={() => setOpen('enrol')}>{t('factor.anew')}</button><button class="btn" type="button" disabled={!admin} title={admin ? undefined : t('act.needs', { role: word('role', 'admin') })} onClick={() => { act.clear(); setOpen('off'); }}>{t('factor.turnOff')}</button></>
                : <button class="btn" type="button" onClick={() => setOpen('enrol')}>{t('factor.setUp')}</button>}</span></div>
            <p class="muted sm">{t(session.totp ? 'factor.on.detail' : 'factor.off.detail')}</p>
            <details class="sm spaced2"><summary>{t('factor.lost')}</summary><div class="stack spaced2"><p class="muted">{t('factor.lost.detail')}</p><Command text={`musterctl user set ${name} --remove-totp`} /></div></details>
            {open === 'enrol' && <Dialog title={t('factor.setUp')} close={close} class="is-wide"><Enrol done={(s) => { close(); toast(t('factor.isOn')); void renew(s); }} foot={(busy, ready) =>
                <div class="row end spaced5"><button class="btn" type="button" onClick={close}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={busy || !ready}>{t('factor.confirm')}</button></div>} /></Dialog>}
            {open === 'off' && <Confirm title={t('factor.off.title')} act={t('factor.turnOff')} busy={act.busy} problem={act.problem} run={off} close={close}><p>{t('factor.off.ask')}</p></Confirm>}
        </section>
    );
}
