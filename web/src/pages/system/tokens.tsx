/** What programs show instead of a password. */
import { useState } from 'preact/hooks';
import { part, send } from '../../api/client';
import type { Role, Token } from '../../api/types';
import { useAct } from '../../api/use';
import { t, word } from '../../i18n';
import { Callout, CopyButton, Labelled, Name, Time, Trouble } from '../../ui/bits';
import { Confirm, Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icons';
import { Part, roles, useList } from './list';

export function Tokens() {
    const tokens = useList<Token>('/tokens');
    const [adding, setAdding] = useState(false);
    const [removing, setRemoving] = useState<Token>();
    const [fresh, setFresh] = useState('');
    const [name, setName] = useState('');
    const [role, setRole] = useState<Role>('viewer');
    const [days, setDays] = useState('90');
    const act = useAct();
    const add = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            const made = await send<{ token: string }>('POST', '/tokens', { name: name.trim(), role, days: Number(days) });
            setFresh(made.token);
            setAdding(false);
            setName('');
            tokens.reload();
        });
    };
    return (
        <section class="sect" aria-labelledby="tk"><div class="head"><h2 id="tk">{t('system.tokens')}</h2><span class="muted sm">{t('system.tokens.what')}</span><button class="btn gap" type="button" onClick={() => { act.clear(); setAdding(true); }}><Icon name="plus" />{t('system.addToken')}</button></div>
            {fresh && <div class="mb"><Callout level="ok" title={t('system.tokenOnce')}><div class="cmd"><code>{fresh}</code><CopyButton text={fresh} label={t('system.copyToken')} /></div><p class="muted">{t('system.tokenOnce.detail')}</p><button class="btn" type="button" onClick={() => setFresh('')}>{t('system.tokenKept')}</button></Callout></div>}
            <Part of={tokens}>{(data) => (data.items.length === 0 ? <p class="muted">{t('system.noTokens')}</p>
                : <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('system.tokens') })}><table><thead><tr><th scope="col">{t('system.token')}</th><th scope="col">{t('system.role')}</th><th scope="col" class="num opt-md">{t('system.lastUsed')}</th><th scope="col" class="num">{t('system.expires')}</th><th scope="col"><span class="vh">{t('act.remove')}</span></th></tr></thead>
                    <tbody>{data.items.map((x) => <tr key={x.id}><th scope="row"><Name>{x.name}</Name></th><td>{word('role', x.role)}</td><td class="num opt-md"><Time iso={x.lastUsed} /></td><td class="num"><Time iso={x.expires} /></td><td class="num"><button class="btn bare" type="button" onClick={() => { act.clear(); setRemoving(x); }}>{t('system.revoke')}<span class="vh"> {x.name}</span></button></td></tr>)}</tbody></table></div>)}</Part>
            {adding && <Dialog title={t('system.addToken')} close={() => setAdding(false)}><form onSubmit={add}>
                <Labelled label={t('system.tokenName')} help={t('system.tokenName.help')}>{(ids) => <input {...ids} type="text" required maxLength={64} spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('system.role')} help={t(`system.role.${role}`)}>{(ids) => <select {...ids} value={role} onChange={(e) => setRole(e.currentTarget.value as Role)}>{roles.map((r) => <option key={r} value={r}>{word('role', r)}</option>)}</select>}</Labelled>
                <Labelled label={t('system.days')}>{(ids) => <input {...ids} type="number" required min={1} max={3650} value={days} onInput={(e) => setDays(e.currentTarget.value)} />}</Labelled>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={() => setAdding(false)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('system.addToken')}</button></div></form></Dialog>}
            {removing && <Confirm title={t('system.revokeToken', { name: removing.name })} act={t('system.revokeToken', { name: removing.name })} busy={act.busy} problem={act.problem} close={() => setRemoving(undefined)} run={() => void act.run(async () => { await send('DELETE', `/tokens/${part(removing.id)}`); setRemoving(undefined); tokens.reload(); })}><p>{t('system.revokeToken.detail')}</p></Confirm>}
        </section>
    );
}
