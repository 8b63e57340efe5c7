/** Who may sign in, and as what. */
import { useState } from 'preact/hooks';
import { part, send } from '../../api/client';
import { useSession } from '../../api/session';
import type { Role, User } from '../../api/types';
import { useAct } from '../../api/use';
import { t, word } from '../../i18n';
import { Labelled, Name, Sev, Time, Trouble } from '../../ui/bits';
import { Confirm, Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icons';
import { toast } from '../../ui/toast';
import { minimumPassword, passwordProblem } from '../password';
import { Part, roles, useList } from './list';

export function Users() {
    const { session } = useSession();
    const users = useList<User>('/users');
    const [adding, setAdding] = useState(false);
    const [removing, setRemoving] = useState('');
    const [freeing, setFreeing] = useState('');
    const [name, setName] = useState('');
    const [role, setRole] = useState<Role>('viewer');
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const [wrong, setWrong] = useState('');
    const act = useAct();
    const add = (e: SubmitEvent) => {
        e.preventDefault();
        const bad = passwordProblem(password, again);
        setWrong(bad ? t(bad, { n: minimumPassword }) : '');
        if (bad) return;
        void act.run(async () => {
            await send('POST', '/users', { name: name.trim(), role, password });
            setAdding(false);
            toast(t('system.userAdded', { name: name.trim() }));
            setName('');
            setPassword('');
            setAgain('');
            users.reload();
        });
    };
    return (
        <section class="sect" aria-labelledby="us"><div class="head"><h2 id="us">{t('system.users')}</h2><button class="btn gap" type="button" onClick={() => { act.clear(); setAdding(true); }}><Icon name="plus" />{t('system.addUser')}</button></div>
            <Part of={users}>{(data) => <div class="scroll" tabIndex={0} role="region" aria-label={t('table.of', { what: t('system.users') })}><table><thead><tr><th scope="col">{t('login.user')}</th><th scope="col">{t('system.role')}</th><th scope="col" class="opt-md">{t('system.second')}</th><th scope="col" class="num opt-md">{t('system.lastLogin')}</th><th scope="col"><span class="vh">{t('act.remove')}</span></th></tr></thead>
                <tbody>{data.items.map((u) => <tr key={u.name}><th scope="row"><Name>{u.name}</Name></th><td>{word('role', u.role)}</td><td class="opt-md">{u.totp ? <Sev level="ok">{t('system.totp')}</Sev> : <span class="dim">{t('system.noTotp')}</span>}</td><td class="num opt-md"><Time iso={u.lastLogin} /></td><td class="num">{u.totp && u.name !== session.name && <button class="btn bare" type="button" onClick={() => { act.clear(); setFreeing(u.name); }}>{t('factor.turnOff')}<span class="vh"> {u.name}</span></button>}<button class="btn bare" type="button" disabled={u.name === session.name} title={u.name === session.name ? t('system.notYourself') : undefined} onClick={() => { act.clear(); setRemoving(u.name); }}>{t('act.remove')}<span class="vh"> {u.name}</span></button></td></tr>)}</tbody></table></div>}</Part>
            {adding && <Dialog title={t('system.addUser')} close={() => setAdding(false)}><form onSubmit={add}>
                <Labelled label={t('login.user')}>{(ids) => <input {...ids} type="text" required maxLength={64} autocapitalize="none" autocomplete="off" spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('system.role')} help={t(`system.role.${role}`)}>{(ids) => <select {...ids} value={role} onChange={(e) => setRole(e.currentTarget.value as Role)}>{roles.map((r) => <option key={r} value={r}>{word('role', r)}</option>)}</select>}</Labelled>
                <Labelled label={t('login.password')} help={t('wizard.password.help', { n: minimumPassword })} error={wrong || undefined}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('wizard.again')}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={again} onInput={(e) => setAgain(e.currentTarget.value)} />}</Labelled>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={() => setAdding(false)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('system.addUser')}</button></div></form></Dialog>}
            {freeing && <Confirm title={t('factor.turnOffOf', { name: freeing })} act={t('factor.turnOffOf', { name: freeing })} busy={act.busy} problem={act.problem} close={() => setFreeing('')} run={() => void act.run(async () => { await send('PATCH', `/users/${part(freeing)}`, { 'remove-totp': true }); setFreeing(''); users.reload(); })}><p>{t('factor.turnOffOf.detail')}</p></Confirm>}
            {removing && <Confirm title={t('system.removeUser', { name: removing })} act={t('system.removeUser', { name: removing })} type={removing} busy={act.busy} problem={act.problem} close={() => setRemoving('')} run={() => void act.run(async () => { await send('DELETE', `/users/${part(removing)}`); setRemoving(''); users.reload(); })}><p>{t('system.removeUser.detail')}</p></Confirm>}
        </section>
    );
}
