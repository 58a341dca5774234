import { nonce } from '../protocol/frames.js';

/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {import('./room.js').Room} Room
 */

const HELD = 12_000;
const RENEWED = 4_000;

/**
 * Whether a new message is worth a sound: it mentions me or is direct, and I am not looking at it.
 *
 * @param {Message} message
 * @param {Room} room
 * @param {{me: number, open: number | null, focused: boolean}} at
 * @returns {'mention' | 'direct' | null}
 */
export function noticeOf(message, room, { me, open, focused }) {
  if (message.user === me || message.deleted || (focused && open === room.id)) return null;
  if (message.mentions?.includes(me)) return 'mention';
  return room.kind === 'direct' ? 'direct' : null;
}

/**
 * Of several tabs one speaks: the one that holds the lease. It is a key that lasts twelve seconds and is renewed while the
 * tab lives; `navigator.locks` would do it, but not on plain HTTP.
 */
export class Lease {
  #tab = nonce(8);
  #shelf;
  #clock;
  /** @type {(() => void) | null} */
  #cancel = null;

  /**
   * @param {import('../lib/storage.js').Shelf} shelf
   * @param {import('../lib/time.js').Clock} clock
   */
  constructor(shelf, clock) {
    this.#shelf = shelf;
    this.#clock = clock;
  }

  /**
   * Takes the lease if nobody holds it; the tab that a person looks at takes it from any other.
   *
   * @param {boolean} looking
   * @returns {boolean} whether this tab holds it now
   */
  take(looking) {
    const [tab, until] = (this.#shelf.get('lease') ?? '').split(' ');
    const now = this.#clock.now();
    const theirs = tab && tab !== this.#tab && Number(until) > now && Number(until) <= now + HELD;
    if (theirs && !looking) return false;
    this.#shelf.set('lease', `${this.#tab} ${now + HELD}`);
    return true;
  }

  /** Holds on to it from now on. @param {() => boolean} looking */
  start(looking) {
    this.take(looking());
    this.#cancel = this.#clock.after(RENEWED, () => this.start(looking));
  }

  stop() {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#shelf.get('lease')?.startsWith(`${this.#tab} `)) this.#shelf.remove('lease');
  }
}
