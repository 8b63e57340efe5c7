/** The count that a host reported, over 30 days: a line from zero, the threshold dotted, its last value at the end. */
import { t } from '../i18n';
import { tick } from './format';

export interface Sample {
    application: string;
    start: string;
    least: number;
    most: number;
    last: number;
}

const width = 380;
const top = 12;
const bottom = 98;

export function path(samples: { time: number; count: number }[], from: number, to: number, most: number): string {
    const x = (time: number): string => (((time - from) / Math.max(1, to - from)) * width).toFixed(1);
    const y = (count: number): string => (bottom - (count / Math.max(1, most)) * (bottom - top)).toFixed(1);
    return samples.map((s, i) => `${i === 0 ? 'M' : 'L'}${x(s.time)} ${y(s.count)}`).join('');
}

export function CountChart({ samples, needed }: { samples: Sample[]; needed: number }) {
    const first = samples[0]?.application;
    const points = samples.filter((s) => s.application === first).map((s) => ({ time: Date.parse(s.start), count: s.last }));
    const last = points[points.length - 1];
    const begin = points[0];
    if (!last || !begin) return null;
    const to = Math.max(last.time, begin.time + 3_600_000);
    const from = begin.time;
    const most = Math.max(50, ...points.map((p) => p.count));
    const y = (count: number): number => bottom - (count / most) * (bottom - top);
    const short = last.count < needed;
    return (
        <figure><svg class="chart cnt" viewBox="0 0 420 120" role="img" aria-label={t('upstreams.chart', { from: begin.count, to: last.count, needed })}>
            <path class="axis" d={`M0 ${bottom}H${width}`} /><path class="grid dash" d={`M0 ${y(needed)}H${width}`} /><text x="0" y={y(needed) - 5}>{t('tally.needed', { n: needed })}</text>
            {points.length > 1 ? <path class={short ? 'ln short' : 'ln'} d={path(points, from, to, most)} /> : <circle class={short ? 'b0' : 'g'} cx={width} cy={y(last.count)} r="3" />}
            <text class="big" x={width + 6} y={y(last.count) + 4}>{last.count}</text>
            <text x="0" y="116">{tick(new Date(from), to - from)}</text><text x={width} y="116" text-anchor="end">{tick(new Date(to), to - from)}</text></svg>
            <figcaption class="xs muted">{t('upstreams.chart.say')}</figcaption></figure>
    );
}
