/** The mark and the gauge: five strokes are a group; solid ones are counted, dotted ones are still missing. */
import { t } from '../i18n';

export interface Stroke {
    d: string;
    state: 'counted' | 'shared' | 'missing';
    slash: boolean;
}

const pitch = 52;  // of a group

/**
 * @param needed how many strokes the gauge has
 * @param shared how many of the counted ones stand for several machines: the last ones, in amber
 */
export function strokes(counted: number, needed: number, shared = 0): Stroke[] {
    const solid = Math.min(Math.max(0, counted), needed);
    return Array.from({ length: needed }, (_, i) => {
        const x = Math.floor(i / 5) * pitch;
        const slash = i % 5 === 4;
        const state = i >= solid ? 'missing' : i >= solid - Math.min(shared, solid) && counted < needed ? 'shared' : 'counted';
        return { d: slash ? `M${x + 2} 31L${x + 41} 11` : `M${x + 8 + (i % 5) * 9} 4V38`, state, slash };
    });
}

interface Props {
    counted: number;
    needed: number;
    shared?: number;
    /** Brackets below: where servers and where clients have enough. */
    scale?: boolean;
}

export function Tally({ counted, needed, shared = 0, scale = true }: Props) {
    const width = Math.ceil(needed / 5) * pitch - 4;
    const label = counted >= needed ? t('tally.met', { needed }) : t('tally.short', { counted, needed, n: needed - counted });
    return (
        <svg class={needed > 5 ? 'roll' : 'roll is-short'} viewBox={`0 0 ${Math.max(width, 48)} ${scale ? 70 : 42}`} role="img" aria-label={label}>
            <Strokes list={strokes(counted, needed, shared)} />
            {scale && needed >= 25 && <><path class="tick" d="M2 49.5H44V45" fill="none" /><text x="2" y="66">{t('tally.servers', { n: 5 })}</text></>}
            {scale && needed >= 25 && <><path class="tick" d={`M${width - 12} 49.5H${width - 4}V45`} fill="none" /><text x={width - 4} y="66" text-anchor="end">{t('tally.clients', { n: needed })}</text></>}
            {scale && needed < 25 && <><path class="tick" d={`M2 49.5H${width - 4}V45`} fill="none" /><text x="2" y="66">{t('tally.needed', { n: needed })}</text></>}
        </svg>
    );
}

export function Strokes({ list }: { list: Stroke[] }) {
    return (
        <>
            {list.map((s) => (
                <g key={s.d}>
                    {s.slash && s.state !== 'missing' && <path class="case" d={s.d} stroke-width="7.5" />}
                    <path class={s.state === 'missing' ? 'm' : s.state === 'shared' ? 'dup' : 't'} d={s.d} stroke-width={s.state === 'missing' ? 2 : 4} stroke-linecap="round" />
                </g>
            ))}
        </>
    );
}
