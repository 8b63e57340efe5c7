/** The key of the lab's seal, which muster-client needs to play against this appliance from another machine. */
import { t, word } from '../i18n';
import { Command } from './bits';

export function SealKey({ admin }: { admin: boolean }) {
    return <>
        <p class="row spaced2"><span>{t('lab.seal.first')}</span>{admin ? <a class="btn" href="/api/v1/lab/seal-key" download="seal.key">{t('lab.seal.get')}</a> : <span class="xs muted">{t('act.needs', { role: word('role', 'admin') })}</span>}</p>
        <div class="spaced2"><Command text="chmod 600 seal.key" /></div>
    </>;
}
