/** Who is signed in now. */
import { part, send } from '../../api/client';
import { useSession } from '../../api/session';
import type { WebSession } from '../../api/types';
import { useAct } from '../../api/use';
import { t } from '../../i18n';
import { Name, Time, Trouble } from '../../ui/bits';
import { Part, useList } from './list';

export function Sessions() {
    const { leave } = useSession();
    const sessions = useList<WebSession>('/sessions');
    const act = useAct();
    const others = sessions.data?.items.filter((s) => !s.current) ?? [];
    const end = (list: WebSession[]) => void act.run(async () => {
        for (const s of list) await send('DELETE', `/sessions/${part(s.id)}`);
        sessions.reload();
    });
    return (
        <section class="sect" aria-labelledby="se"><div class="head"><h2 id="se">{t('system.sessions')}</h2><span class="gap row"><button class="btn" type="button" disabled={others.length === 0 || act.busy} onClick={() => end(others)}>{t('system.endOthers')}</button><button class="btn" type="button" onClick={() => { void act.run(async () => { await send('DELETE', '/sessions'); await leave(); }); }}>{t('system.endAll')}</button></span></div>
            {act.problem && <Trouble problem={act.problem} />}
            <Part of={sessions}>{(data) => <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('system.sessions') })}><table><thead><tr><th scope="col">{t('login.user')}</th><th scope="col">{t('system.from')}</th><th scope="col" class="num opt-md">{t('system.since')}</th><th scope="col" class="num">{t('system.lastSeen')}</th><th scope="col"><span class="vh">{t('system.end')}</span></th></tr></thead>
                <tbody>{data.items.map((s) => <tr key={s.id}><th scope="row"><Name>{s.name}</Name></th><td>{s.address}</td><td class="num opt-md"><Time iso={s.started} /></td><td class="num"><Time iso={s.lastSeen} /></td><td class="num">{s.current ? <span class="dim">{t('system.thisOne')}</span> : <button class="btn bare" type="button" disabled={act.busy} onClick={() => end([s])}>{t('system.end')}<span class="vh"> {s.name} {s.address}</span></button>}</td></tr>)}</tbody></table></div>}</Part>
        </section>
    );
}
