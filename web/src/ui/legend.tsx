/** The series with their sums: values stand here, not on the bars. */
import { number, t } from '../i18n';
import { results, type Result } from '../pages/requests';

export function Legend({ totals }: { totals: Record<Result, number> }) {
    const box = { answered: 'g', short: 'b0', refused: 'r', silent: 'n' };
    return (
        <ul class="legend gap">{results.map((r) => (
            <li key={r}><svg viewBox="0 0 12 12" class="chart" aria-hidden="true"><rect class={box[r]} x=".5" y=".5" width="11" height="11" />{r === 'short' && <rect width="12" height="12" fill="url(#hatch)" />}</svg>{t(`result.${r}`)} <b>{number(totals[r])}</b></li>))}
        </ul>
    );
}
