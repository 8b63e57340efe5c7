/** The first backup, and those of each day: under a password, read back whole, and fetched. */
import { useCallback, useState } from 'preact/hooks';
import { address, all, get, part, send } from '../../api/client';
import type { Backup, List, Setting } from '../../api/types';
import { useAct, useResource } from '../../api/use';
import { t } from '../../i18n';
import { Callout, Labelled, Name, Time, Trouble, Waiting } from '../../ui/bits';
import { Icon } from '../../ui/icons';
import { quote } from '../../ui/schema';
import { passwordWrong } from '../backup-words';
import { Finding, Foot, type StepProps } from './parts';

export function BackupStep({ next, back }: StepProps) {
    const list = useResource(useCallback((signal: AbortSignal) => get<List<Backup>>('/backups', {}, signal), []));
    const settings = useResource(useCallback((signal: AbortSignal) => all<Setting>('/settings', { limit: 500 }, 5000, signal), []));
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const [typedKept, setKept] = useState<string>();
    const [wrong, setWrong] = useState('');
    const [made, setMade] = useState<Backup>();
    const act = useAct();
    const mending = useAct();
    const setting = (key: string) => settings.data?.find((s) => s.key === `backup.${key}`);
    const kept = typedKept ?? setting('kept')?.value ?? '';
    const encrypts = setting('password')?.source !== undefined && setting('password')?.source !== 'not set';
    const newest = list.data?.items.find((b) => b.newest);
    const bad = list.data?.items.find((b) => b.problem !== '');
    const change = () => { setMade(undefined); setWrong(''); };
    const submit = async (e: SubmitEvent) => {
        e.preventDefault();
        if (made) {
            next();
            return;
        }
        const found = passwordWrong(password, again);
        setWrong(found);
        if (found) return;
        const set = [...(password === '' ? [] : [`backup.password=${quote(password)}`]), ...(kept.trim() === setting('kept')?.value ? [] : [`backup.kept=${kept.trim()}`])];
        await act.run(async () => {
            if (set.length > 0) await send('PATCH', '/settings', { set });
            settings.reload();
            setMade(await send<Backup>('POST', '/backups', password === '' ? {} : { password }));
            list.reload();
        });
    };
    const daily = () => void mending.run(async () => {
        await send('PATCH', '/settings', { set: ['backup.daily=true'] });
        settings.reload();
    });
    const trouble = list.problem ?? settings.problem;
    const wrongKept = act.problem?.errors.find((f) => f.name === 'backup.kept');
    return (
        <form onSubmit={(e) => void submit(e)} class="spaced5" noValidate>
            {trouble && <Trouble problem={trouble} again={() => { list.reload(); settings.reload(); }} />}
            {!settings.data && !settings.problem && <Waiting />}
            {setting('daily')?.value === 'false' && <Finding name={t('wizard.backup.daily')} level="warn" state={t('field.off')}><p>{t('wizard.backup.daily.off')}</p>
                <p class="spaced2"><button class="btn" type="button" disabled={mending.busy} onClick={daily}>{t('wizard.backup.daily.on')}</button></p>{mending.problem && <Trouble problem={mending.problem} />}</Finding>}
            {bad && <Finding name={bad.name} level="crit" state={t('backup.bad')}><p><bdi>{bad.problem}</bdi></p><div class="fix"><Callout level="crit" title={t('wizard.backup.fix')}><p>{t('wizard.backup.bad.fix')}</p></Callout></div></Finding>}
            {!made && newest && <Finding name={newest.name} level="ok" state={t('backup.verified')}><p>{t('wizard.backup.there')} <Time iso={newest.made} /></p></Finding>}
            <div class="wform spaced2">
                <Labelled label={t('backup.password')} help={t(encrypts ? 'wizard.backup.password.set' : 'wizard.backup.password.help')} error={wrong || undefined}>{(ids) => <input {...ids} type="password" autocomplete="new-password" value={password} onInput={(e) => { setPassword(e.currentTarget.value); change(); }} />}</Labelled>
                {password !== '' && <Labelled label={t('wizard.again')}>{(ids) => <input {...ids} type="password" autocomplete="new-password" value={again} onInput={(e) => { setAgain(e.currentTarget.value); change(); }} />}</Labelled>}
                <Labelled label={t('wizard.backup.kept')} help={setting('kept')?.fixed ? t('wizard.fixed', { where: setting('kept')?.fixed ?? '' }) : t('wizard.backup.kept.help')} error={wrongKept && t('problem.finding', { found: wrongKept.found, allowed: wrongKept.allowed })}>{(ids) => <input {...ids} type="text" class="short" inputMode="numeric" autocomplete="off" disabled={(setting('kept')?.fixed ?? '') !== ''} value={kept} onInput={(e) => { setKept(e.currentTarget.value); change(); }} />}</Labelled>
            </div>
            {act.busy && <p class="spaced" role="status"><span class="live"><span class="dot" />{t('wizard.backup.making')}</span></p>}
            {act.problem && !wrongKept && <div class="spaced"><Trouble problem={act.problem} /></div>}
            {made && <div class="spaced" role="status"><Callout level="ok" title={t('backup.made', { name: made.name })}><p>{t('wizard.backup.fetch')}</p>
                <p class="spaced2"><a class="btn" href={address(`/backups/${part(made.name)}/file`)} download={made.name}><Icon name="download" />{t('backup.fetch')}<span class="vh"> <Name>{made.name}</Name></span></a></p></Callout></div>}
            {made && !made.encrypted && <div class="spaced"><Callout level="warn" title={t('wizard.backup.without')}><p>{t('wizard.backup.without.fix')}</p></Callout></div>}
            <Foot back={back} skip={made ? undefined : next} act={made ? t('act.continue') : t('wizard.backup.act')} busy={act.busy} disabled={!settings.data} />
        </form>
    );
}
