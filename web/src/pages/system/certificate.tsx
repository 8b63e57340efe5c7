/** By what browsers and programs know this appliance. */
import { useCallback, useState } from 'preact/hooks';
import { get, send } from '../../api/client';
import type { Certificate } from '../../api/types';
import { useAct, useResource } from '../../api/use';
import { t } from '../../i18n';
import { CopyButton, Labelled, Sev, Time, Trouble } from '../../ui/bits';
import { Dialog } from '../../ui/dialog';
import { toast } from '../../ui/toast';
import { Part } from './list';

export function CertificatePart() {
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
