/** Lines that come and go, as a person compares them. */
export interface DiffLine {
    kind: 'same' | 'add' | 'del' | 'head';
    text: string;
}

/** A unified diff as text. */
export function parseDiff(text: string): DiffLine[] {
    const lines = text.replace(/\n$/, '').split('\n');
    if (lines.length === 1 && lines[0] === '') return [];
    return lines
        .filter((line) => !/^(\\|--- |\+\+\+ )/.test(line))
        .map((line) => {
            if (/^(@@|---|\+\+\+|#)/.test(line)) return { kind: 'head', text: line.replace(/^# ?/, '') };
            if (line.startsWith('+')) return { kind: 'add', text: line.slice(1) };
            if (line.startsWith('-')) return { kind: 'del', text: line.slice(1) };
            return { kind: 'same', text: line.startsWith(' ') || line.startsWith('=') ? line.slice(1) : line };
        });
}

const sign = { same: '', add: '+', del: '−', head: '' };
const style = { same: undefined, add: 'a', del: 'd', head: 'h' };

export function Diff({ lines, label }: { lines: DiffLine[]; label: string }) {
    return (
        <div class="diffbox" tabIndex={0} role="region" aria-label={label}>
            <ul class="diff">{lines.map((line, i) => <li key={i} class={style[line.kind]}><span>{sign[line.kind]}</span><span>{line.text || ' '}</span></li>)}</ul>
        </div>
    );
}
