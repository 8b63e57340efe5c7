/** Values of settings: the notation of the file, and what a person types. */
import type { Json, Member, Setting } from '../api/types';

export type Kind = 'boolean' | 'choice' | 'number' | 'text' | 'list' | 'objects' | 'secret';

export function kindOf(setting: Pick<Setting, 'type' | 'secret'>): Kind {
    if (setting.secret) return 'secret';
    switch (setting.type) {
        case 'boolean': return 'boolean';
        case 'choice': return 'choice';
        case 'integer':
        case 'duration':
        case 'size': return 'number';
        case 'list of objects': return 'objects';
        default: return setting.type.startsWith('list of ') ? 'list' : 'text';
    }
}

/** "one of a, b, c" */
export function choicesOf(allowed: string): string[] {
    return allowed.startsWith('one of ') ? allowed.slice(7).split(', ') : [];
}

/** What may stand in a list, one a line, as the file writes it. */
export function listToNotation(lines: string): string {
    const items = lines.split(/[\n,]/).map((x) => x.trim()).filter(Boolean);
    return `[${items.join(', ')}]`;
}

export function notationToList(notation: string): string {
    return notation.trim().replace(/^\[|\]$/g, '').split(',').map((x) => x.trim().replace(/^"|"$/g, '')).filter(Boolean).join('\n');
}

/** A text of TOML in quotes, with nothing in it that could end it. */
export function quote(text: string): string {
    let out = '"';
    for (const c of text) {
        const code = c.codePointAt(0) ?? 0;
        if (c === '"' || c === '\\') out += `\\${c}`;
        else if (code < 0x20 || code === 0x7f) out += `\\u${code.toString(16).padStart(4, '0')}`;
        else out += c;
    }
    return `${out}"`;
}

export type Row = Record<string, string>;

/** Objects of a setting as rows of texts, for inputs. */
export function toRows(items: Record<string, Json>[], members: Member[]): Row[] {
    return items.map((item) => {
        const row: Row = {};
        for (const m of members) {
            const value = item[m.name];
            const shown = value === undefined || value === null ? '' : Array.isArray(value) ? value.join(', ') : String(value);
            // What stands at its default need not be written.
            row[m.name] = shown === (m.default ?? '').replace(/^\[|\]$/g, '') ? '' : shown;
        }
        return row;
    });
}

export function rowsToNotation(rows: Row[], members: Member[]): string {
    const one = (row: Row): string => {
        const parts: string[] = [];
        for (const m of members) {
            const value = (row[m.name] ?? '').trim();
            if (value === '') continue;
            if (m.type === 'integer' || m.type === 'boolean') parts.push(`${m.name} = ${value}`);
            else if (m.type === 'list of integers') parts.push(`${m.name} = [${value}]`);
            else if (m.type.startsWith('list of ')) parts.push(`${m.name} = [${value.split(',').map((x) => quote(x.trim())).join(', ')}]`);
            else parts.push(`${m.name} = ${quote(value)}`);
        }
        return `{${parts.join(', ')}}`;
    };
    return `[${rows.map(one).join(', ')}]`;
}

/** "30s" -> ["30", "s"]; undefined when it is nothing with a unit. */
export function splitUnit(value: string): [string, string] | undefined {
    const found = /^(-?\d+)\s*([A-Za-z]*)$/.exec(value);
    return found ? [found[1] ?? '', found[2] ?? ''] : undefined;
}

export const sectionOf = (key: string): string => key.slice(0, key.indexOf('.'));
export const nameOf = (key: string): string => key.slice(key.indexOf('.') + 1);

/** "max-connections" -> "Max connections" */
export function labelOf(key: string): string {
    const words = nameOf(key).replaceAll('-', ' ').replaceAll('.', ' ');
    return words.charAt(0).toUpperCase() + words.slice(1);
}
