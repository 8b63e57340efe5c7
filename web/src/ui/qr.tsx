/** What a telephone reads: dark on white in every theme, for that is what its camera looks for. Comes after the first view. */
import { qrPath } from './qr-path';

export default function Qr({ text, label }: { text: string; label: string }) {
    const { d, size } = qrPath(text);
    return <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges"><path class="ground" d={`M0 0h${size}v${size}h-${size}z`} /><path class="dark" d={d} /></svg>;
}
