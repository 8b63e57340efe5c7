/** What only an appliance on its own box can do: network, name, time, firmware, power. */
import { useCallback, useState } from 'preact/hooks';
import { get } from '../api/client';
import { useMay } from '../api/session';
import type { BoxHelper } from '../api/types';
import { useResource } from '../api/use';
import { t, word } from '../i18n';
import { Callout, Command, Trouble, Waiting, useTitle } from '../ui/bits';
import { FirmwareSection } from './box/firmware';
import { NameSection, TimeSection, type HostName } from './box/identity';
import { NetworkSection } from './box/network';
import { PowerSection, type Way } from './box/power';

export default function Box() {
    useTitle(t('nav.box'));
    const helper = useResource(useCallback((signal: AbortSignal) => get<BoxHelper>('/system', {}, signal), []));
    if (helper.data) return <Parts helper={helper.data} />;
    return (
        <div class="page"><div class="work"><div class="head"><h1>{t('nav.box')}</h1></div>
            {!helper.problem ? <Waiting /> : helper.problem.status === 404 ? <p class="lede">{t('box.none')}</p> : <Trouble problem={helper.problem} again={helper.reload} />}
        </div></div>
    );
}

function Parts({ helper }: { helper: BoxHelper }) {
    const mayChange = useMay('admin');
    const name = useResource(useCallback((signal: AbortSignal) => get<HostName>('/hostname', {}, signal), []));
    const [way, setWay] = useState<Way>();
    const [life, setLife] = useState(0);
    return (
        <div class="page with-margin"><div class="work">
            <div class="head"><h1>{t('nav.box')}</h1>{name.data && <span class="muted sm"><bdi>{name.data.hostname}</bdi></span>}</div>
            {!mayChange && <div class="mb"><Callout level="note" title={t('box.readOnly')}><p>{t('act.needs', { role: word('role', 'admin') })}</p></Callout></div>}
            <NetworkSection key={`n${life}`} mayChange={mayChange} />
            <NameSection name={name} mayChange={mayChange} />
            <TimeSection key={`t${life}`} mayChange={mayChange} />
            {helper.slots ? <FirmwareSection key={`f${life}`} mayChange={mayChange} restart={() => setWay('restart')} /> : <section class="sect" aria-labelledby="fw"><div class="head"><h2 id="fw">{t('box.firmware')}</h2></div><p class="muted">{t('box.noSlots')}</p></section>}
            <PowerSection name={name.data?.hostname ?? ''} mayChange={mayChange} asked={way} ask={setWay} back={() => { name.reload(); setLife((n) => n + 1); }} />
        </div><aside class="margin" aria-label={t('box.about')}>
            <section><h2 class="mb2">{t('box.about')}</h2><p class="muted">{t('box.about.text')}</p></section>
            <section><h2 class="mb2">{t('box.safe')}</h2><p class="muted">{t('box.safe.text')}</p></section>
            <section><h2 class="mb2">{t('system.console')}</h2><p class="muted">{t('system.console.text')}</p><Command text="musterctl network show" /><Command text="musterctl update show" /></section></aside></div>
    );
}
