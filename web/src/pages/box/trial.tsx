/** New network settings wait to be confirmed: how long still, where the page is then, and both ways out. */
import { t, tr } from '../../i18n';
import { Callout, useTick } from '../../ui/bits';
import { fateOf, pagesAt } from './address';
import type { Trial } from './trial-state';

/** Seconds that a screen reader is told, so that it is not told each of them. */
const marks = [60, 30, 15];

interface Props {
    trial: Trial;
    /** The last question got no answer. */
    away: boolean;
    busy: boolean;
    /** Whether this person may decide. */
    mayChange: boolean;
    keep: () => void;
    back: () => void;
}

export function TrialPart({ trial, away, busy, mayChange, keep, back }: Props) {
    useTick(true);
    const left = Math.max(0, Math.ceil((trial.until - Date.now()) / 1000));
    const pages = pagesAt(trial.tried, location).filter((page) => new URL(page).host !== location.host);
    const goes = trial.before !== undefined && ['goes', 'open'].includes(fateOf(location.hostname, trial.before, trial.tried));
    const said = marks.findLast((mark) => left <= mark);
    return (
        <Callout level="warn" title={t('box.trial')}>
            <p><span role="timer" class="md"><b>{t('box.trial.left', { n: left })}</b></span></p>
            {(away || goes) && <p>{t(away ? 'box.trial.away' : 'box.trial.goes', { host: location.host })}</p>}
            {pages.length > 0 && <><p>{t(away || goes ? 'box.trial.open' : 'box.trial.also')}</p><ul class="bullets">{pages.map((page) => <li key={page}><a href={page}>{page}</a></li>)}</ul></>}
            {pages.length === 0 && (away || goes) && <p>{t('box.trial.dhcp')}</p>}
            {mayChange && <p class="row spaced2"><button class="btn go" type="button" disabled={busy} onClick={keep}>{t('box.trial.keep')}</button><button class="btn" type="button" disabled={busy} onClick={back}>{t('box.trial.back')}</button></p>}
            <p class="muted sm">{tr('box.trial.console', { command: <code>musterctl network confirm</code> })}</p>
            <p class="vh" role="status">{said === undefined ? t('box.trial') : t('box.trial.left', { n: said })}</p>
        </Callout>
    );
}
