/** What the firmware is made of: each plugin, how it is, and why. */
import { useCallback } from 'preact/hooks';
import { get, part, send } from '../api/client';
import { may, useSession } from '../api/session';
import type { List, Plugin } from '../api/types';
import { useAct, useResource } from '../api/use';
import { useHealth } from '../app/health';
import { t, word } from '../i18n';
import { Name, Sev, Trouble, useTitle, Waiting, type Severity } from '../ui/bits';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toast';

const levels: Record<Plugin['state'], Exclude<Severity, 'lab'>> = { started: 'ok', stopped: 'note', rejected: 'warn', quarantined: 'warn', failed: 'crit', wedged: 'crit' };

export default function Plugins() {
    const { session } = useSession();
    const { facts, reload } = useHealth();
    const admin = may(session, 'admin');
    const list = useResource(useCallback((signal: AbortSignal) => get<List<Plugin>>('/plugins', {}, signal), []));
    const act = useAct();
    useTitle(t('nav.plugins'));
    const items = list.data?.items ?? [];
    const bad = items.filter((p) => p.state !== 'started' && p.state !== 'stopped').length;
    const rescan = () => void act.run(async () => {
        const done = await send<{ changes: string[] }>('POST', '/plugins/rescan', {});
        toast(done.changes.length === 0 ? t('plugins.noChange') : done.changes.join(' '));
        list.reload();
        reload();
    });
    const clear = (name: string) => void act.run(async () => {
        await send('POST', `/plugins/${part(name)}/clear`, {});
        list.reload();
        reload();
    });
    return (
        <div class="page with-margin"><div class="work cq">
            <div class="head"><h1>{t('nav.plugins')}</h1>{list.data && <span class="muted sm">{bad > 0 ? t('plugins.sumBad', { n: items.length, bad }) : t('plugins.sum', { n: items.length })}</span>}
                <span class="gap"><button class="btn" type="button" disabled={!admin || act.busy} onClick={rescan}>{act.busy ? t('wait.moment') : t('plugins.rescan')}</button></span></div>
            {facts?.status.safeMode && <p class="mb"><Sev level="warn">{t('plugins.safeMode')}</Sev></p>}
            {list.problem && <Trouble problem={list.problem} again={list.reload} />}
            {act.problem && <div class="mb"><Trouble problem={act.problem} /></div>}
            {!list.data && !list.problem && <Waiting />}
            {items.length > 0 && <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('nav.plugins') })}><table class="tall"><thead><tr><th scope="col">{t('plugins.plugin')}</th><th scope="col">{t('plugins.state')}</th><th scope="col" class="ca">{t('plugins.kind')}</th><th scope="col" class="num">{t('plugins.version')}</th></tr></thead>
                <tbody>{items.map((p) => <tr key={p.name + p.file}><th scope="row"><Name>{p.name}</Name><div class="xs muted anywhere">{p.file}</div></th><td><Sev level={levels[p.state]}>{word('pluginState', p.state)}</Sev>{p.reason && <div class="xs muted"><bdi>{p.reason}</bdi></div>}
                    {p.state !== 'started' && p.state !== 'stopped' && <p class="spaced2"><button class="btn" type="button" disabled={!admin || act.busy} onClick={() => clear(p.name)}><Icon name="undo" />{t('plugins.clear')}<span class="vh"> {p.name}</span></button></p>}</td>
                    <td class="ca">{word('pluginKind', p.kind)}</td><td class="num">{p.version || '–'}</td></tr>)}</tbody></table></div>}
            {!admin && <p class="xs muted spaced2">{t('act.needs', { role: word('role', 'admin') })}</p>}
        </div><aside class="margin" aria-label={t('plugins.help')}>
            <section><h2 class="mb2">{t('plugins.help.family')}</h2><p class="muted">{t('plugins.help.family.text')}</p></section>
            <section><h2 class="mb2">{t('plugins.help.aside')}</h2><p class="muted">{t('plugins.help.aside.text')}</p></section></aside></div>
    );
}
