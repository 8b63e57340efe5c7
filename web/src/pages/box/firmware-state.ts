/** The two systems of a box, and what became of the last update: pure. */
import type { Slot, Slots, Update } from '../../api/types';

export interface Systems {
    booted: Slot | undefined;
    other: Slot | undefined;
    /** Which of both a restart leads into. */
    next: 'booted' | 'other' | undefined;
}

/** Of the slots those that are started; the others belong to them. */
export function systemsOf(slots: Slots): Systems {
    const started = slots.slots.filter((slot) => slot.boot !== undefined);
    const booted = started.find((slot) => slot.boot === slots.booted || slot.state === 'booted');
    const other = started.find((slot) => slot !== booted);
    return { booted, other, next: slots.primary === booted?.name ? 'booted' : slots.primary !== '' && slots.primary === other?.name ? 'other' : undefined };
}

export type Level = 'crit' | 'warn' | 'note' | 'ok';

/** How the last update stands: what to say of it is box.update.PHASE. */
export function levelOf(phase: Update['phase']): Level {
    switch (phase) {
        case 'failed':
            return 'crit';
        case 'went-back':
            return 'warn';
        case 'running':
            return 'ok';
        default:
            return 'note';
    }
}

/** "31.5" of "61.2" MiB. */
export const mebibytes = (octets: number): number => Math.round((octets / (1 << 20)) * 10) / 10;
