/** Bars of results over time. uPlot draws at CSS pixels; it comes with this file, after the first view. */
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { number, t } from '../i18n';
import { results, type Buckets, type Result } from '../pages/requests';
import { exact, tick, zone } from './format';

const css = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The value of a token as the canvas knows colours: light-dark() is resolved by the browser itself. */
function colour(token: string): string {
    const probe = document.createElement('i');
    probe.className = `probe probe-${token}`;
    document.body.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
}

function hatched(ground: string, line: string): CanvasPattern | string {
    const ratio = Math.max(1, Math.round(devicePixelRatio));
    const size = 6 * ratio;
    const tile = document.createElement('canvas');
    tile.width = tile.height = size;
    const c = tile.getContext('2d');
    if (!c) return ground;
    c.fillStyle = ground;
    c.fillRect(0, 0, size, size);
    c.strokeStyle = line;
    c.lineWidth = 1.3 * ratio;
    for (const shift of [-size, 0, size]) {
        c.beginPath();
        c.moveTo(shift, size);
        c.lineTo(shift + size, 0);
        c.stroke();
    }
    return c.createPattern(tile, 'repeat') ?? ground;
}

/** Each series stands on those before it. */
function stacked(b: Buckets): (number | null)[][] {
    const rows: (number | null)[][] = [];
    let below = b.times.map(() => 0);
    for (const r of results) {
        below = below.map((v, i) => v + (b.counts[r][i] ?? 0));
        // A bar of nothing would still paint its edge over the axis.
        rows.push(below.map((v) => (v === 0 ? null : v)));
    }
    return rows;
}

function draw(box: HTMLElement, buckets: Buckets): uPlot {
    const ink = colour('ink2');
    const line = colour('line');
    const surface = colour('surface');
    const fills: Record<Result, CanvasPattern | string> = {
        answered: colour('granted'), short: hatched(colour('short'), surface), refused: colour('refused'), silent: surface,
    };
    const rows = stacked(buckets);
    const font = `11px ${css('--font')}`;
    const span = buckets.times.length * buckets.width;
    const bars = uPlot.paths.bars?.({ size: [0.72, 28], gap: 1 });
    const plot = new uPlot({
        width: box.clientWidth, height: 196, legend: { show: false }, cursor: { show: false }, padding: [8, 0, 0, 0],
        // From the top down: the lower ones are painted over.
        series: [{}, ...[...results].reverse().map((r) => ({ label: r, fill: () => fills[r] as string, stroke: r === 'silent' ? colour('silent') : surface, width: 1, ...(bars ? { paths: bars } : {}), points: { show: false } }))],
        scales: { x: { range: (_, min, max) => [min - buckets.width / 2000, max + buckets.width / 2000] }, y: { range: (_, __, max) => [0, Math.max(4, max * 1.08)] } },
        axes: [
            { stroke: ink, font, grid: { show: false }, ticks: { show: false }, size: 24, gap: 6, space: 60, border: { show: true, stroke: colour('line2'), width: 1 }, values: (_, ticks) => ticks.map((s) => tick(new Date(s * 1000), span)) },
            { stroke: ink, font, size: 40, gap: 6, grid: { stroke: line, width: 1 }, ticks: { show: false }, incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000], space: 36, values: (_, ticks) => ticks.map((v) => number(v)) },
        ],
    }, [buckets.times.map((ms) => ms / 1000), ...rows.reverse()], box);
    return plot;
}

export default function RequestsChart({ buckets, note }: { buckets: Buckets; note: string }) {
    const box = useRef<HTMLDivElement>(null);
    const [table, setTable] = useState(false);
    useEffect(() => {
        const at = box.current;
        if (!at || table) return undefined;
        let plot = draw(at, buckets);
        const again = () => {
            plot.destroy();
            plot = draw(at, buckets);
        };
        const size = new ResizeObserver(() => {
            if (at.clientWidth > 0 && at.clientWidth !== plot.width) plot.setSize({ width: at.clientWidth, height: 196 });
        });
        size.observe(at);
        const dark = matchMedia('(prefers-color-scheme: dark)');
        const print = matchMedia('print');
        addEventListener('muster-look', again);
        dark.addEventListener('change', again);
        print.addEventListener('change', again);
        return () => {
            size.disconnect();
            removeEventListener('muster-look', again);
            dark.removeEventListener('change', again);
            print.removeEventListener('change', again);
            plot.destroy();
        };
    }, [buckets, table]);
    const all = results.reduce((n, r) => n + buckets.totals[r], 0);
    const words = t('chart.label', { n: all, answered: buckets.totals.answered, short: buckets.totals.short, refused: buckets.totals.refused, silent: buckets.totals.silent });
    return (
        <figure>
            {table ? (
                <div class="scroll chartbox" tabIndex={0} role="region" aria-label={words}><table><thead><tr><th scope="col">{t('chart.time')}</th>{results.map((r) => <th key={r} scope="col" class="num">{t(`result.${r}`)}</th>)}</tr></thead>
                    <tbody>{buckets.times.map((ms, i) => <tr key={ms}><th scope="row"><time dateTime={new Date(ms).toISOString()} title={exact(new Date(ms))}>{tick(new Date(ms), 0)}</time></th>{results.map((r) => <td key={r} class="num">{number(buckets.counts[r][i] ?? 0)}</td>)}</tr>)}</tbody></table></div>
            ) : <div class="chartbox" ref={box} role="img" aria-label={words} />}
            <figcaption class="xs muted row spaced2"><span>{note} {t('chart.zone', { zone: zone() })}</span><button type="button" class="linkish" onClick={() => setTable(!table)}>{table ? t('chart.asFigure') : t('chart.asTable')}</button></figcaption>
        </figure>
    );
}
