/** A text as the modules of a QR code: one path, a run of dark modules a stroke of it. */
import { encode } from 'uqr';

export interface QrPath {
    d: string;
    /** Modules on a side, with the quiet zone that readers need. */
    size: number;
}

const quiet = 4;

export function qrPath(text: string): QrPath {
    const { data, size } = encode(text, { ecc: 'M', border: 0 });
    let d = '';
    data.forEach((row, y) => {
        for (let x = 0; x < row.length; ++x) {
            if (!row[x]) continue;
            let run = 1;
            while (row[x + run]) ++run;
            d += `M${x + quiet} ${y + quiet}h${run}v1h-${run}z`;
            x += run;
        }
    });
    return { d, size: size + 2 * quiet };
}
