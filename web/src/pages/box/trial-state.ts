/** Where new network settings are between the button and their end. */
import type { Network } from '../../api/types';
import { bodyOf, draftOf, type NetworkBody } from './draft';

export interface Trial {
    /** sent: the box has not said yet that it took them. */
    kind: 'sent' | 'on';
    /** By this browser's clock, in milliseconds. */
    until: number;
    /** The network before; undefined: the page was loaded since. */
    before: Network | undefined;
    tried: NetworkBody;
    /** The answer to what was sent never came: it went to an address that is no more, or did not arrive at all. */
    lost: boolean;
}

export type State = Trial | { kind: 'none' } | { kind: 'over'; how: 'kept' | 'back' };

export type Step =
    | { what: 'sent'; tried: NetworkBody; before: Network; now: number }
    | { what: 'lost' }
    | { what: 'refused' }
    /** By the box, to what was sent. */
    | { what: 'answered'; network: Network; now: number }
    | { what: 'seen'; network: Network; now: number }
    | { what: 'decided'; how: 'kept' | 'back' };

export const trialSeconds = 90;

export const isTrial = (state: State): state is Trial => state.kind === 'sent' || state.kind === 'on';

const same = (network: Network, body: NetworkBody): boolean => JSON.stringify(bodyOf(draftOf(network))) === JSON.stringify(body);

export function step(state: State, event: Step): State {
    switch (event.what) {
        case 'sent':
            return { kind: 'sent', until: event.now + trialSeconds * 1000, before: event.before, tried: event.tried, lost: false };
        case 'lost':
            return state.kind === 'sent' ? { ...state, lost: true } : state;
        case 'refused':
            return state.kind === 'sent' ? { kind: 'none' } : state;
        case 'decided':
            return { kind: 'over', how: event.how };
        case 'answered':
            return event.network.secondsLeft > 0 ? seen(state, event.network, event.now) : { kind: 'none' };  // it was so already
        case 'seen':
            return seen(state, event.network, event.now);
    }
}

function seen(state: State, network: Network, now: number): State {
    if (network.secondsLeft > 0) return { kind: 'on', until: now + network.secondsLeft * 1000, before: isTrial(state) ? state.before : undefined, tried: bodyOf(draftOf(network)), lost: false };
    if (!isTrial(state)) return state;
    if (state.kind === 'sent' && !state.lost) return state;  // an answer from before
    // Somebody may have confirmed at the new address.
    if (same(network, state.tried)) return { kind: 'over', how: 'kept' };
    return state.kind === 'sent' && now < state.until ? { kind: 'none' } : { kind: 'over', how: 'back' };
}
