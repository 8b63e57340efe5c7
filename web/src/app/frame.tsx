/** What stands around every page: header, navigation, the lab's banner, palette and shortcuts. */
import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { useSession } from '../api/session';
import { currentLanguage, languages, loadLanguage, t, word, type Language } from '../i18n';
import { pages, type Page } from '../pages';
import { Sev } from '../ui/bits';
import { length } from '../ui/format';
import { Icon, Mark } from '../ui/icons';
import { useHealth } from './health';
import { choose, contrast, letters, theme, themes } from './look';
import { Palette } from './palette';
import { usePlace } from './router';
import { ShortcutList, useShortcuts } from './shortcuts';

/** The pages that this mode has. */
export function shownPages(mode: string): Page[] {
    return pages.filter((p) => p.mode === undefined || p.mode === mode);
}

function StatusPill() {
    const { facts, alarms, problem } = useHealth();
    if (problem) return <a class="status sev crit" href="/"><Icon name="crit" /><span class="vh-sm">{t('frame.noAnswer')}</span></a>;
    if (!facts) return null;
    const worst = alarms[0];
    if (!worst) return <a class="status sev ok" href="/"><Icon name="ok" /><span class="vh-sm">{t('frame.allWell')}</span></a>;
    const same = alarms.filter((a) => a.level === worst.level).length;
    const rest = alarms.length - same;
    const words = t(worst.level === 'crit' ? 'frame.critical' : worst.level === 'warn' ? 'frame.warnings' : 'frame.notices', { n: same });
    return <a class={`status sev ${worst.level}`} href="/" title={worst.title}><Icon name={worst.level} /><span class="onlysm0" aria-hidden="true">{alarms.length}</span><span class="vh-sm">{rest > 0 ? t('frame.andMore', { words, n: rest }) : words}</span></a>;
}

/** Looks, language, sign out. */
function UserMenu({ bare }: { bare?: boolean }) {
    const { session, leave } = useSession();
    const ref = useRef<HTMLDetailsElement>(null);
    const [, turn] = useState(0);
    useEffect(() => {
        const away = (e: MouseEvent | KeyboardEvent) => {
            const box = ref.current;
            if (!box?.open) return;
            if (e instanceof KeyboardEvent) {
                if (e.key !== 'Escape') return;
                e.preventDefault();
                box.open = false;
                box.querySelector('summary')?.focus();
            } else if (!box.contains(e.target as Node)) box.open = false;
        };
        document.addEventListener('click', away);
        document.addEventListener('keydown', away);
        return () => {
            document.removeEventListener('click', away);
            document.removeEventListener('keydown', away);
        };
    }, []);
    const set = (key: 'theme' | 'contrast' | 'letters', value: string) => {
        choose(key, value);
        turn((n) => n + 1);
    };
    return (
        <details class="menu" ref={ref}>
            {bare ? <summary class="btn bare"><Icon name="theme" /><span class="vh-sm">{t('frame.look')}</span></summary>
                : <summary class="btn bare user" title={word('role', session.role ?? 'viewer')}><Icon name="user" /><span class="vh-sm cutname"><bdi>{session.name}</bdi></span></summary>}
            <div class="menubox is-end">
                {!bare && <p class="xs muted menuhead">{t('frame.signedIn', { name: session.name ?? '', role: word('role', session.role ?? 'viewer') })}</p>}
                <fieldset><legend>{t('frame.theme')}</legend>{themes.map((x) => <label class="opt" key={x}><input type="radio" name="theme" checked={theme() === x} onChange={() => set('theme', x)} /><span>{word('theme', x)}</span></label>)}
                    <label class="opt"><input type="checkbox" checked={contrast()} onChange={(e) => set('contrast', e.currentTarget.checked ? 'more' : '')} /><span>{t('frame.contrast')}</span></label></fieldset>
                <fieldset><legend>{t('frame.language')}</legend>{(Object.keys(languages) as Language[]).map((x) => <label class="opt" key={x}><input type="radio" name="language" checked={currentLanguage() === x} onChange={() => { localStorage.setItem('muster.language', x); void loadLanguage(x); }} /><span lang={x}>{languages[x]}</span></label>)}</fieldset>
                {!bare && <fieldset><legend>{t('frame.keys')}</legend><label class="opt"><input type="checkbox" checked={letters()} onChange={(e) => set('letters', e.currentTarget.checked ? '' : 'off')} /><span>{t('frame.letters')}</span></label></fieldset>}
                {!bare && <button class="btn" type="button" onClick={() => void leave()}><Icon name="leave" />{t('frame.signOut')}</button>}
            </div>
        </details>
    );
}

/** The header of pages that stand alone: login and set-up. */
export function BareTop({ where }: { where: string }) {
    return <header class="top"><a class="brand" href="/"><Mark />Muster</a><span class="where">{where}</span><span class="gap" /><UserMenu bare /></header>;
}

export function LookMenu() {
    return <UserMenu bare />;
}

export function Frame({ page, children }: { page: Page | undefined; children: ComponentChildren }) {
    const { session } = useSession();
    const { facts, alarms } = useHealth();
    const place = usePlace();
    const [menu, setMenu] = useState(false);
    const [palette, setPalette] = useState(false);
    const [help, setHelp] = useState(false);
    const [spoken, setSpoken] = useState('');
    const mode = facts?.status.mode ?? session.mode;
    const shown = shownPages(mode);
    const openPalette = useCallback(() => setPalette(true), []);
    const openHelp = useCallback(() => setHelp(true), []);
    useShortcuts(shown, openPalette, openHelp, palette || help);

    useEffect(() => setMenu(false), [place]);
    useEffect(() => {
        document.documentElement.classList.toggle('is-lab', mode === 'lab');
        return () => document.documentElement.classList.remove('is-lab');
    }, [mode]);
    // A new page is a new heading: whoever reads by ear or by keyboard starts there.
    const first = useRef(true);
    useEffect(() => {
        if (first.current) first.current = false;
        else document.getElementById('main')?.focus({ preventScroll: true });
    }, [page?.id]);
    // Alarms are said once each.
    const said = useRef(new Set<string>());
    useEffect(() => {
        const fresh = alarms.filter((a) => a.level === 'crit' && !said.current.has(a.id));
        for (const a of fresh) said.current.add(a.id);
        if (fresh[0]) setSpoken(fresh[0].title);
    }, [alarms]);

    const critical = alarms.filter((a) => a.level === 'crit').length;
    return (
        <div class="shell">
            <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById('main')?.focus(); }}>{t('frame.skip')}</a>
            <header class="top">
                <button class="btn bare icon burger" type="button" aria-label={t('frame.menu')} aria-expanded={menu} aria-controls="nav" onClick={() => setMenu(!menu)}><Icon name={menu ? 'close' : 'menu'} /></button>
                <a class="brand" href="/"><Mark />Muster</a>
                <span class="where">{location.hostname}</span>
                <StatusPill />
                <span class="gap" />
                <button class="goto" type="button" aria-haspopup="dialog" onClick={openPalette}><Icon name="search" /><span class="vh-sm">{t('frame.goto')}</span><kbd>{t('key.ctrl')} K</kbd></button>
                <UserMenu />
            </header>
            {mode === 'lab' && <div class="labbar" role="region" aria-label={t('lab.bar')}><Sev level="lab">{t('lab.bar')}</Sev><span>{t('lab.bar.detail')}</span><a class="gap" href="/lab">{t('nav.lab')}</a></div>}
            <nav class={menu ? 'side is-open' : 'side'} id="nav" aria-label={t('frame.nav')}><div>
                {[0, 1, 2].map((group) => (
                    <ul key={group}>{shown.filter((p) => p.group === group).map((p) => (
                        <li key={p.id}><a href={p.paths[0]} aria-current={page?.id === p.id ? 'page' : undefined}><Icon name={p.icon} />{t(p.title)}
                            {p.id === 'overview' && critical > 0 && <span class="n">{critical}<span class="vh"> {t('frame.criticalShort')}</span></span>}</a></li>))}</ul>))}
                <footer>{t('frame.version', { version: session.version })}{facts && <> · {t('frame.up', { time: length(facts.status.uptime) })}</>}</footer></div>
            </nav>
            <main id="main" tabIndex={-1}>{children}</main>
            <p class="vh" role="alert">{spoken}</p>
            {palette && <Palette pages={shown} close={() => setPalette(false)} />}
            {help && <ShortcutList pages={shown} close={() => setHelp(false)} />}
        </div>
    );
}
