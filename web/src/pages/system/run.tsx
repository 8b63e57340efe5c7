/** How it runs: begin anew, and what somebody who helps needs to see. */
import { useState } from 'preact/hooks';
import { begun, begunAnew } from '../../api/anew';
import { address, getText, send } from '../../api/client';
import { useSession } from '../../api/session';
import { useAct } from '../../api/use';
import { useHealth } from '../../app/health';
import { t } from '../../i18n';
import { Trouble } from '../../ui/bits';
import { Confirm, Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icons';
import { toast } from '../../ui/toast';

export function Run() {
    const [asking, setAsking] = useState(false);
    const [bundle, setBundle] = useState<string>();
    const act = useAct();
    const { renew } = useSession();
    const health = useHealth();
    const restart = () => void act.run(async () => {
        const before = await begun();
        await send('POST', '/restart');
        await begunAnew(before);
        await renew();
        health.reload();
        setAsking(false);
        toast(t('system.restarted'));
    });
    const look = () => void act.run(async () => setBundle(await getText('/support')));
    return (
        <section class="sect" aria-labelledby="run"><div class="head"><h2 id="run">{t('system.run')}</h2><button class="btn gap" type="button" onClick={() => { act.clear(); setAsking(true); }}>{t('system.restart')}</button></div>
            <h3>{t('system.support')}</h3><p class="muted spaced2">{t('system.support.text')}</p>
            <p class="row spaced2"><button class="btn" type="button" disabled={act.busy} onClick={look}>{t('system.support.look')}</button><a class="btn" href={address('/support')} download><Icon name="download" />{t('system.support.get')}</a></p>
            {act.problem && !asking && <Trouble problem={act.problem} />}
            {asking && <Confirm title={t('system.restart.title')} act={t('system.restart')} danger={false} busy={act.busy} problem={act.problem} close={() => setAsking(false)} run={restart}><p>{t('system.restart.detail')}</p>{act.busy && <p role="status"><span class="live"><span class="dot" />{t('system.restarting')}</span></p>}</Confirm>}
            {bundle !== undefined && <Dialog title={t('system.support')} class="is-wide" close={() => setBundle(undefined)}><pre class="bundle" tabIndex={0} role="region" aria-label={t('system.support')}>{bundle}</pre><div class="row end spaced5"><a class="btn go" href={address('/support')} download>{t('system.support.get')}</a></div></Dialog>}
        </section>
    );
}
