import { pause } from '../lib/time.js';
import { CommandError } from '../protocol/errors.js';
import { messages as readMessages } from '../protocol/frames.js';

/**
 * @typedef {import('../protocol/types.js').MessagesEvent} MessagesEvent
 * @typedef {import('../protocol/types.js').Message} Message
 */

const HELD = 500;
const PAGE = 500;

/**
 * Gaps, closed one room after the other by `room.changes`. What arrives for a room meanwhile is held back, and what was
 * fetched is applied as one event when it is complete: only then has the position moved.
 */
export class Repairs {
  #call;
  #state;
  #clock;
  #refresh;
  /** Rooms with a gap, the first one under repair, and what is held back for each. @type {Map<number, MessagesEvent[]>} */
  #rooms = new Map();
  #round = 0;
  #running = false;

  /**
   * @param {object} options
   * @param {(name: string, fields: Record<string, unknown>) => Promise<any>} options.call
   * @param {import('./session.js').State} options.state
   * @param {import('../lib/time.js').Clock} options.clock
   * @param {() => void} options.refresh asks for a new snapshot
   */
  constructor({ call, state, clock, refresh }) {
    this.#call = call;
    this.#state = state;
    this.#clock = clock;
    this.#refresh = refresh;
  }

  /** @param {number} room has a gap */
  add(room) {
    if (this.#rooms.has(room)) return;
    this.#rooms.set(room, []);
    if (!this.#running) void this.#run();
  }

  /**
   * @param {MessagesEvent} event
   * @returns {boolean} whether it waits for a repair
   */
  hold(event) {
    const held = this.#rooms.get(event.room);
    if (held && held.length < HELD) held.push(event);
    return held !== undefined;
  }

  clear() {
    this.#round++;
    this.#running = false;
    this.#rooms.clear();
  }

  async #run() {
    const round = this.#round;
    this.#running = true;
    for (let [room] = this.#rooms.keys(); room !== undefined; [room] = this.#rooms.keys()) {
      const event = await this.#fetch(room, () => round === this.#round);
      if (round !== this.#round) return;
      this.#finish(room, event);
    }
    this.#running = false;
  }

  /**
   * @param {number} room
   * @param {MessagesEvent | null} event
   */
  #finish(room, event) {
    const held = this.#rooms.get(room) ?? [];
    this.#rooms.delete(room);
    const events = event ? [{ ...event, repaired: true }, ...held] : [];
    const outcomes = events.map((one) => this.#state.apply(one));
    if (!event || outcomes.includes('hello')) this.#refresh();
    if (outcomes.includes('gap')) this.add(room);
  }

  /**
   * @param {number} room
   * @param {() => boolean} fresh
   * @returns {Promise<MessagesEvent | null>} everything from my position on; null where the server does not give it
   */
  async #fetch(room, fresh) {
    const start = this.#state.position(room);
    if (start === null) return null;
    /** @type {Map<number, Message>} */
    const bySeq = new Map();
    let to = start;
    while (fresh()) {
      try {
        const page = await this.#call('room.changes', { room, after: to, limit: PAGE });
        for (const message of readMessages(page.messages)) bySeq.set(message.seq, message);
        if (!page.more || !(page.to > to)) {
          return { ev: 'messages', room, after: start, head: Math.max(page.to, to), messages: [...bySeq.values()], members: [] };
        }
        to = page.to;
      } catch (error) {
        if (!(error instanceof CommandError) || error.code === 'offline') return null;
        if (!error.temporary) return null;
        await pause(this.#clock, error.wait);
      }
    }
    return null;
  }
}
