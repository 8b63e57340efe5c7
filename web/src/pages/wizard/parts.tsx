/** What the steps of the first run share. */
import type { ComponentChildren } from 'preact';
import type { Mode } from '../../api/types';
import { t } from '../../i18n';
import { Sev } from '../../ui/bits';
import { Icon } from '../../ui/icons';

export interface StepProps {
    next: () => void;
    back?: (() => void) | undefined;
    mode: Mode;
    setMode: (mode: Mode) => void;
}

export function Foot({ back, skip, act, busy, disabled }: { back?: (() => void) | undefined; skip?: (() => void) | undefined; act: string; busy?: boolean; disabled?: boolean }) {
    return (
        <div class="foot">{back && <button class="btn big" type="button" onClick={back}>{t('act.back')}</button>}<span class="gap" />
            {skip && <button class="btn bare big" type="button" onClick={skip}>{t('wizard.later')}</button>}
            <button class="btn go big" type="submit" disabled={busy || disabled}>{busy ? t('wait.moment') : act}</button></div>
    );
}

/** Something that was looked at: how it stands, and below it what to do. */
export function Finding({ name, level, state, children }: { name: string; level: 'ok' | 'crit' | 'warn' | 'note'; state: string; children: ComponentChildren }) {
    return <div class="host"><span class={level}><Icon name={level} /></span><strong class="lg">{name}</strong><Sev level={level}>{state}</Sev><div class="say">{children}</div></div>;
}
