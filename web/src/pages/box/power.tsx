/** Restart, power off, and the way back to a new box. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { begun, begunAnew } from '../../api/anew';
import { send } from '../../api/client';
import { useSession } from '../../api/session';
import { useAct } from '../../api/use';
import { useHealth } from '../../app/health';
import { t } from '../../i18n';
import { Callout } from '../../ui/bits';
import { Confirm } from '../../ui/dialog';
import { toast } from '../../ui/toast';

export type Way = 'restart' | 'off' | 'reset';

const paths: Record<Way, string> = { restart: '/system/restart', off: '/system/power-off', reset: '/reset' };

interface Props {
    name: string;
    mayChange: boolean;
    /** What was asked for elsewhere on the page. */
    asked: Way | undefined;
    ask: (way: Way | undefined) => void;
    /** After a restart all of the page is asked for anew. */
    back: () => void;
}

export function PowerSection({ name, mayChange, asked, ask, back }: Props) {
    const act = useAct();
    const { renew } = useSession();
    const health = useHealth();
    const [ended, setEnded] = useState<Way>();
    const note = useRef<HTMLDivElement>(null);
    useEffect(() => {
        if (ended) note.current?.focus();
    }, [ended]);
    const run = (way: Way) => void act.run(async () => {
        const before = await begun();
        await send('POST', paths[way]);
        ask(undefined);
        setEnded(way);
        if (way !== 'restart') return;
        await begunAnew(before);
        await renew();
        setEnded(undefined);
        health.reload();
        back();
        toast(t('box.restarted'));
    }).then((good) => good || setEnded(undefined));
    return (
        <section class="sect" aria-labelledby="pw"><div class="head"><h2 id="pw">{t('box.power')}</h2></div>
            <div ref={note} tabIndex={-1} role="status">{ended && <div class="mb"><Callout level={ended === 'restart' ? 'note' : 'warn'} title={t(`box.power.${ended}.on`)}><p>{t(`box.power.${ended}.then`)}</p></Callout></div>}</div>
            {act.problem && !asked && <div class="mb"><Callout level="warn" alert title={t('box.power.trouble')}><p>{act.problem.detail || t('problem.unreachable.detail')}</p></Callout></div>}
            <ul class="ways">{(['restart', 'off', 'reset'] as const).map((way) => <li key={way}><div><h3>{t(`box.power.${way}`)}</h3><p class="muted sm">{t(`box.power.${way}.what`)}</p></div>
                {mayChange && <button class="btn" type="button" disabled={act.busy || ended !== undefined || name === ''} onClick={() => { act.clear(); ask(way); }}>{t(`box.power.${way}.act`)}</button>}</li>)}</ul>
            {asked && <Confirm title={t(`box.power.${asked}.ask`, { name })} act={t(`box.power.${asked}.yes`, { name })} danger={asked !== 'restart'} {...(asked === 'reset' ? { type: name } : {})} busy={act.busy} problem={act.problem} close={() => ask(undefined)} run={() => run(asked)}><p>{t(`box.power.${asked}.detail`)}</p></Confirm>}
        </section>
    );
}
