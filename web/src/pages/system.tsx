/** Certificate, users, tokens, sessions, and how the appliance runs. */
import type { ComponentChildren } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { get, part, send } from '../api/client';
import { may, useSession } from '../api/session';
import type { Certificate, List, Role, Token, User, WebSession } from '../api/types';
import { useAct, useResource, type Resource } from '../api/use';
import { useHealth } from '../app/health';
import { t, word } from '../i18n';
import { Callout, Command, CopyButton, Labelled, Name, Sev, Time, Trouble, useTitle, Waiting } from '../ui/bits';
import { Confirm, Dialog } from '../ui/dialog';
import { length } from '../ui/format';
import { Icon } from '../ui/icons';
import { toast } from '../ui/toast';
import { Backups } from './backups';
import { minimumPassword, passwordProblem } from './wizard';

const roles: Role[] = ['viewer', 'operator', 'admin'];

function useList<T>(path: string): Resource<List<T>> {
    return useResource(useCallback((signal: AbortSignal) => get<List<T>>(path, {}, signal), [path]));
}

/** What stands while it is asked for, and what is said when this appliance has none of it. */
function Part<T>({ of, children }: { of: Resource<T>; children: (data: T) => ComponentChildren }) {
    if (of.problem && !of.data) return of.problem.status === 404 ? <p class="muted">{t('problem.notOffered')}</p> : <Trouble problem={of.problem} again={of.reload} />;
    return of.data ? <>{children(of.data)}</> : <Waiting />;
}

function Users() {
    const { session } = useSession();
    const users = useList<User>('/users');
    const [adding, setAdding] = useState(false);
    const [removing, setRemoving] = useState('');
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
                <tbody>{data.items.map((u) => <tr key={u.name}><th scope="row"><Name>{u.name}</Name></th><td>{word('role', u.role)}</td><td class="opt-md">{u.totp ? <Sev level="ok">{t('system.totp')}</Sev> : <span class="dim">{t('system.noTotp')}</span>}</td><td class="num opt-md"><Time iso={u.lastLogin} /></td><td class="num"><button class="btn bare" type="button" disabled={u.name === session.name} title={u.name === session.name ? t('system.notYourself') : undefined} onClick={() => { act.clear(); setRemoving(u.name); }}>{t('act.remove')}<span class="vh"> {u.name}</span></button></td></tr>)}</tbody></table></div>}</Part>
            {adding && <Dialog title={t('system.addUser')} close={() => setAdding(false)}><form onSubmit={add}>
                <Labelled label={t('login.user')}>{(ids) => <input {...ids} type="text" required maxLength={64} autocapitalize="none" autocomplete="off" spellcheck={false} value={name} onInput={(e) => setName(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('system.role')} help={t(`system.role.${role}`)}>{(ids) => <select {...ids} value={role} onChange={(e) => setRole(e.currentTarget.value as Role)}>{roles.map((r) => <option key={r} value={r}>{word('role', r)}</option>)}</select>}</Labelled>
                <Labelled label={t('login.password')} help={t('wizard.password.help', { n: minimumPassword })} error={wrong || undefined}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={password} onInput={(e) => setPassword(e.currentTarget.value)} />}</Labelled>
                <Labelled label={t('wizard.again')}>{(ids) => <input {...ids} type="password" required autocomplete="new-password" value={again} onInput={(e) => setAgain(e.currentTarget.value)} />}</Labelled>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={() => setAdding(false)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('system.addUser')}</button></div></form></Dialog>}
            {removing && <Confirm title={t('system.removeUser', { name: removing })} act={t('system.removeUser', { name: removing })} type={removing} busy={act.busy} problem={act.problem} close={() => setRemoving('')} run={() => void act.run(async () => { await send('DELETE', `/users/${part(removing)}`); setRemoving(''); users.reload(); })}><p>{t('system.removeUser.detail')}</p></Confirm>}
        </section>
    );
}

function Tokens() {
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

function Sessions() {
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

function CertificatePart() {
    const cert = useResource(useCallback((signal: AbortSignal) => get<Certificate>('/certificate', {}, signal), []));
    const [dialog, setDialog] = useState<'upload' | 'request'>();
    const [chain, setChain] = useState('');
    const [key, setKey] = useState('');
    const [names, setNames] = useState('');
    const [request, setRequest] = useState('');
    const act = useAct();
    const upload = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => {
            await send('PUT', '/certificate', { chain, ...(key.trim() ? { key } : {}) });
            setKey('');
            setDialog(undefined);
            toast(t('system.certReplaced'));
            cert.reload();
        });
    };
    const ask = (e: SubmitEvent) => {
        e.preventDefault();
        void act.run(async () => setRequest((await send<{ request: string }>('POST', '/certificate/request', { names: names.split(/[\s,]+/).filter(Boolean) })).request));
    };
    const file = (set: (text: string) => void) => (e: Event & { currentTarget: HTMLInputElement }) => {
        const chosen = e.currentTarget.files?.[0];
        if (chosen) void chosen.text().then(set);
    };
    return (
        <section aria-labelledby="ce"><div class="head"><h2 id="ce">{t('system.certificate')}</h2><span class="gap row"><button class="btn" type="button" onClick={() => { act.clear(); setRequest(''); setNames(cert.data?.names?.join('\n') ?? location.hostname); setDialog('request'); }}>{t('system.csr')}</button><button class="btn" type="button" onClick={() => { act.clear(); setDialog('upload'); }}>{t('system.upload')}</button></span></div>
            <Part of={cert}>{(c) => <><dl class="kv"><dt>{t('system.subject')}</dt><dd><bdi>{c.subject}</bdi></dd><dt>{t('system.issuer')}</dt><dd><bdi>{c.issuer}</bdi>{c.selfSigned && <> <Sev level="note">{t('system.own')}</Sev></>}</dd><dt>{t('system.names')}</dt><dd>{(c.names ?? []).join(', ')}</dd><dt>{t('system.validTo')}</dt><dd><Time iso={c.notAfter} /></dd><dt>SHA-256</dt><dd><code class="anywhere">{c.fingerprint}</code></dd></dl>
                {c.selfSigned && <p class="muted sm spaced2">{t('system.own.detail')}</p>}</>}</Part>
            {dialog === 'upload' && <Dialog title={t('system.upload')} close={() => setDialog(undefined)} class="is-wide"><form onSubmit={upload}>
                <Labelled label={t('system.chain')} help={t('system.chain.help')}>{(ids) => <><textarea {...ids} class="mono xs" required rows={6} spellcheck={false} placeholder="-----BEGIN CERTIFICATE-----" value={chain} onInput={(e) => setChain(e.currentTarget.value)} /><input type="file" class="spaced2" aria-label={t('system.chainFile')} accept=".pem,.crt,.cer" onChange={file(setChain)} /></>}</Labelled>
                <Labelled label={t('system.key')} help={t('system.key.help')}>{(ids) => <><textarea {...ids} class="mono xs" rows={4} spellcheck={false} autocomplete="off" placeholder="-----BEGIN PRIVATE KEY-----" value={key} onInput={(e) => setKey(e.currentTarget.value)} /><input type="file" class="spaced2" aria-label={t('system.keyFile')} accept=".pem,.key" onChange={file(setKey)} /></>}</Labelled>
                {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                <div class="row end spaced5"><button class="btn" type="button" onClick={() => setDialog(undefined)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('system.replaceCert')}</button></div></form></Dialog>}
            {dialog === 'request' && <Dialog title={t('system.csr')} close={() => setDialog(undefined)} class="is-wide">{request ? <><p>{t('system.csr.done')}</p><div class="cmd spaced" tabIndex={0} role="region" aria-label={t('system.csr')}><pre class="pre">{request}</pre><CopyButton text={request} label={t('system.copyCsr')} /></div></>
                : <form onSubmit={ask}><Labelled label={t('system.names')} help={t('system.names.help')}>{(ids) => <textarea {...ids} required rows={4} spellcheck={false} value={names} onInput={(e) => setNames(e.currentTarget.value)} />}</Labelled>
                    {act.problem && <div class="spaced"><Trouble problem={act.problem} /></div>}
                    <div class="row end spaced5"><button class="btn" type="button" onClick={() => setDialog(undefined)}>{t('act.cancel')}</button><button class="btn go" type="submit" disabled={act.busy}>{t('system.csr.act')}</button></div></form>}</Dialog>}
        </section>
    );
}

export default function System() {
    const { session } = useSession();
    const { facts } = useHealth();
    const admin = may(session, 'admin');
    useTitle(t('nav.system'));
    const s = facts?.status;
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.system')}</h1>{s && <span class="muted sm">{t('system.sum', { version: s.version, time: length(s.uptime) })}</span>}</div>
            {!admin ? <Callout level="note" title={t('system.adminOnly')}><p>{t('act.needs', { role: word('role', 'admin') })}</p></Callout>
                : <><CertificatePart /><Users /><Tokens /><Sessions />
                    <Backups /></>}
        </div><aside class="margin" aria-label={t('system.appliance')}>
            <section><h2 class="mb2">{t('system.appliance')}</h2>{s && <dl class="kv"><dt>{t('system.mode')}</dt><dd>{word('mode', s.mode)}</dd><dt>{t('system.version')}</dt><dd>{s.version}</dd><dt>{t('system.started')}</dt><dd><Time iso={s.started} /></dd><dt>{t('lab.listens')}</dt><dd>{s.listening.join(', ') || '–'}</dd><dt>{t('nav.plugins')}</dt><dd>{t('system.plugins', { n: s.pluginsStarted, bad: s.pluginsFailed })}</dd></dl>}
                {admin && <p class="spaced"><a href="/setup">{t('system.changeMode')}</a></p>}</section>
            <section><h2 class="mb2">{t('system.console')}</h2><p class="muted">{t('system.console.text')}</p><Command text="musterctl status" /><Command text="musterctl dlv" /></section>
            <section><h2 class="mb2">{t('system.api')}</h2><p class="muted">{t('system.api.text')}</p><p class="spaced2"><a href="/api/docs" target="_blank" rel="noopener">{t('system.apiDocs')}</a></p></section></aside></div>
    );
}
