/** Certificate, users, tokens, sessions, and how the appliance runs: each section is a file of its own beside. */
import { may, useSession } from '../api/session';
import { useHealth } from '../app/health';
import { t, word } from '../i18n';
import { Callout, Command, Time, useTitle } from '../ui/bits';
import { length } from '../ui/format';
import type { PageProps } from '.';
import { Backups } from './system/backups';
import { CertificatePart } from './system/certificate';
import { SecondFactor } from './system/factor';
import { Run } from './system/run';
import { Sessions } from './system/sessions';
import { Tokens } from './system/tokens';
import { Users } from './system/users';

export default function System({ query }: PageProps) {
    const { session } = useSession();
    const { facts } = useHealth();
    const admin = may(session, 'admin');
    useTitle(t('nav.system'));
    const s = facts?.status;
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.system')}</h1>{s && <span class="muted sm">{t('system.sum', { version: s.version, time: length(s.uptime) })}</span>}</div>
            {!admin ? <Callout level="note" title={t('system.adminOnly')}><p>{t('act.needs', { role: word('role', 'admin') })}</p></Callout>
                : <><CertificatePart /><Users /><Tokens /><Sessions /><Backups offer={query.get('restore') === 'newest'} /><Run /></>}
            <SecondFactor />
        </div><aside class="margin" aria-label={t('system.appliance')}>
            <section><h2 class="mb2">{t('system.appliance')}</h2>{s && <dl class="kv"><dt>{t('system.mode')}</dt><dd>{word('mode', s.mode)}</dd><dt>{t('system.version')}</dt><dd>{s.version}</dd><dt>{t('system.started')}</dt><dd><Time iso={s.started} /></dd><dt>{t('lab.listens')}</dt><dd>{s.listening.join(', ') || '–'}</dd><dt>{t('nav.plugins')}</dt><dd>{t('system.plugins', { n: s.pluginsStarted, bad: s.pluginsFailed })}</dd></dl>}
                {admin && <p class="spaced"><a href="/setup">{t('system.changeMode')}</a></p>}</section>
            <section><h2 class="mb2">{t('system.console')}</h2><p class="muted">{t('system.console.text')}</p><Command text="musterctl status" /><Command text="musterctl dlv" /></section>
            <section><h2 class="mb2">{t('system.api')}</h2><p class="muted">{t('system.api.text')}</p><p class="spaced2"><a href="/api/docs" target="_blank" rel="noopener">{t('system.apiDocs')}</a></p></section></aside></div>
    );
}
