/** One setting as a form shows it: label and key, control and help, where the value comes from. */
import { useId, useState } from 'preact/hooks';
import type { Finding } from '../api/problem';
import type { Member, Setting } from '../api/types';
import { has, t, word } from '../i18n';
import { Sev } from './bits';
import { Icon } from './icons';
import { choicesOf, kindOf, labelOf, listToNotation, notationToList, rowsToNotation, toRows, type Row } from './schema';

interface Props {
    setting: Setting;
    /** undefined: as it is; null: back to the default. */
    change: string | null | undefined;
    onChange: (value: string | null | undefined) => void;
    findings: Finding[];
    readOnly: boolean;
}

interface ControlProps {
    setting: Setting;
    id: string;
    value: string;
    described: string;
    invalid: boolean;
    disabled: boolean;
    set: (value: string) => void;
}

function Objects({ setting, disabled, set, id }: ControlProps) {
    const members = setting.fields ?? [];
    const [rows, setRows] = useState<Row[]>(() => toRows(setting.items ?? [], members));
    const put = (next: Row[]) => {
        setRows(next);
        set(rowsToNotation(next, members));
    };
    // What is needed stands there, the rest on demand: most of it stays at its default.
    const must = members.filter((m, i) => m.required || i < 2);
    const may = members.filter((m) => !must.includes(m));
    const input = (row: Row, i: number, m: Member) => {
        const key = `${id}-${i}-${m.name}`;
        const choices = choicesOf(m.allowed);
        const change = (value: string) => put(rows.map((r, n) => (n === i ? { ...r, [m.name]: value } : r)));
        return (
            <div key={m.name} class="lf"><label for={key}>{m.name}</label>
                {choices.length > 0 || m.type === 'boolean' ? <select id={key} disabled={disabled} value={row[m.name] ?? ''} onChange={(e) => change(e.currentTarget.value)}><option value="">{m.default ?? ''}</option>{(choices.length > 0 ? choices : ['true', 'false']).map((c) => <option key={c}>{c}</option>)}</select>
                    : <input id={key} type="text" disabled={disabled} spellcheck={false} placeholder={m.default ?? ''} value={row[m.name] ?? ''} aria-describedby={`${key}h`} onInput={(e) => change(e.currentTarget.value)} />}
                <p class="xs muted" id={`${key}h`} lang="en">{m.help}</p></div>
        );
    };
    return (
        <div class="objects">
            {rows.map((row, i) => (
                <fieldset key={i} class="object"><legend class="vh">{t('field.item', { n: i + 1 })}</legend>
                    <div class="objgrid">{must.map((m) => input(row, i, m))}</div>
                    {may.length > 0 && <details class="spaced2 sm" open={may.some((m) => row[m.name]) || undefined}><summary>{t('field.more', { n: may.length })}</summary><div class="objgrid spaced2">{may.map((m) => input(row, i, m))}</div></details>}
                    {!disabled && <p class="spaced2"><button class="btn" type="button" onClick={() => put(rows.filter((_, n) => n !== i))}>{t('field.removeItem', { n: i + 1 })}</button></p>}
                </fieldset>))}
            {rows.length === 0 && <p class="muted sm">{t('field.noItems')}</p>}
            {!disabled && <p class="spaced2"><button class="btn" type="button" onClick={() => put([...rows, {}])}><Icon name="plus" />{t('field.addItem')}</button></p>}
        </div>
    );
}

function Control(props: ControlProps) {
    const { setting, id, value, described, invalid, disabled, set } = props;
    const common = { id, disabled, 'aria-describedby': described, ...(invalid ? { 'aria-invalid': true as const } : {}) };
    switch (kindOf(setting)) {
        case 'boolean':
            return <label class="opt"><input {...common} type="checkbox" checked={value === 'true'} onChange={(e) => set(String(e.currentTarget.checked))} /><span>{t(value === 'true' ? 'field.on' : 'field.off')}</span></label>;
        case 'choice': {
            const choices = choicesOf(setting.allowed);
            return <select {...common} value={value} onChange={(e) => set(e.currentTarget.value)}>{choices.map((c) => <option key={c}>{c}</option>)}</select>;
        }
        case 'list':
            return <textarea {...common} class="mono sm" rows={Math.min(8, Math.max(2, notationToList(value).split('\n').length))} spellcheck={false} value={notationToList(value)} onInput={(e) => set(listToNotation(e.currentTarget.value))} />;
        case 'objects':
            return <Objects key={`${setting.value}`} {...props} />;
        case 'secret':
            return <input {...common} type="password" autocomplete="new-password" placeholder={t('field.secret')} value={value} onInput={(e) => set(e.currentTarget.value)} />;
        case 'number':
            return <input {...common} type="text" class="short" spellcheck={false} value={value} onInput={(e) => set(e.currentTarget.value)} />;
        default:
            return <input {...common} type="text" spellcheck={false} value={value} onInput={(e) => set(e.currentTarget.value)} />;
    }
}

/** "durations such as …, 100ms to 1m" -> what stands after the example. */
function range(setting: Setting): string {
    const kind = kindOf(setting);
    if (kind === 'boolean' || kind === 'choice' || kind === 'objects') return '';
    return setting.allowed.replace(/^a (duration|size) such as "[^"]*" \([^)]*\)(, )?/, '').replace(/^text of 0 to .*|^text$/, '');
}

export function Field({ setting, change, onChange, findings, readOnly }: Props) {
    const id = useId();
    const value = change === undefined ? (setting.value ?? '') : (change ?? setting.default ?? '');
    const fixed = setting.fixed ?? '';
    const disabled = readOnly || fixed !== '';
    const changed = change !== undefined;
    const kind = kindOf(setting);
    const described = `${id}h${findings.length > 0 ? ` ${id}e` : ''}${fixed ? ` ${id}l` : ''}`;
    const custom = setting.source !== 'default' && setting.source !== 'not set' && change !== null;
    const label = has(`setting.${setting.key}`) ? word('setting', setting.key) : labelOf(setting.key);
    const set = (next: string) => onChange(next === (setting.value ?? '') ? undefined : next);
    const bounds = range(setting);
    return (
        <div class={changed ? 'field is-changed' : 'field'}>
            {kind === 'objects' ? <span class="label">{label}<span class="key">{setting.key}</span></span> : <label for={id}>{label}<span class="key">{setting.key}</span></label>}
            <div><Control setting={setting} id={id} value={value} described={described} invalid={findings.length > 0} disabled={disabled} set={set} /></div>
            <div class="side-note">
                {fixed ? <><span id={`${id}l`}><Sev level="note">{t('field.locked')}</Sev></span><br /><code>{fixed}</code></>
                    : changed ? <>{change === null ? t('field.toDefault') : t('field.edited')} <button class="copy" type="button" aria-label={t('field.undo', { what: label })} title={t('field.undo', { what: label })} onClick={() => onChange(undefined)}><Icon name="undo" /></button></>
                        : custom ? <>{t('field.changed', { value: setting.secret ? '…' : short(setting.default ?? '') })} {!disabled && <button class="copy" type="button" aria-label={t('field.back', { what: label })} title={t('field.back', { what: label })} onClick={() => onChange(null)}><Icon name="undo" /></button>}</>
                            : t('settings.default')}
                {setting.restart && <p><b>{t('field.restart')}</b></p>}</div>
            {findings.length > 0 && <p class="err" id={`${id}e`} role="alert"><Icon name="crit" /><span>{findings.map((f) => t('problem.finding', { found: f.found, allowed: f.allowed })).join('; ')}</span></p>}
            <p class="help" id={`${id}h`} lang="en">{setting.help}{bounds && <span class="bounds">{bounds}</span>}</p>
        </div>
    );
}

const short = (text: string): string => (text.length > 40 ? `${text.slice(0, 38)}…` : text || '""');
