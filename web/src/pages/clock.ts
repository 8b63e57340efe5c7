/** Whether the appliance's clock is one that name servers, certificates and one-time codes take. */

export interface Clock {
    level: 'ok' | 'warn' | 'note';
    /** How far it is off, whichever way. */
    seconds: number;
}

/** A signed update and a one-time code stand a minute, not five. */
const most = 60;

/** @param ahead milliseconds against this browser's clock */
export function clockOf(ahead: number | undefined): Clock {
    if (ahead === undefined) return { level: 'note', seconds: 0 };
    const seconds = Math.round(Math.abs(ahead) / 1000);
    return { level: seconds > most ? 'warn' : 'ok', seconds };
}
