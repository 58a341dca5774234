import { MemoryShelf } from '../lib/storage.js';

/**
 * @typedef {import('../lib/storage.js').Shelf} Shelf
 * @typedef {import('../protocol/types.js').FileInfo} FileInfo
 *
 * @typedef {object} Pending a draft on its way; replaced, never altered
 * @property {string} nonce
 * @property {number} room
 * @property {string} text
 * @property {number} [replyTo]
 * @property {FileInfo[]} [files]
 * @property {number} at
 * @property {'waiting' | 'sending' | 'sent' | 'failed'} state
 * @property {{code: string, message: string}} [error]
 * @property {number} [rev] of the stored message, once sent
 */

/**
 * The drafts that are not stored yet, in the order written. Each is one entry of a shelf that belongs to one server and one
 * person, so that several tabs change it without a race: what one tab removes is gone for all, and is never put back.
 */
export class Outbox {
  /** @type {Map<string, Pending>} */
  #drafts = new Map();
  /** @type {Shelf} */
  #shelf = new MemoryShelf();
  #changed;
  #position;

  /**
   * @param {(rooms: number[]) => void} changed
   * @param {(room: number) => number} position how far a room was followed
   */
  constructor(changed, position) {
    this.#changed = changed;
    this.#position = position;
  }

  get size() {
    return this.#drafts.size;
  }

  all() {
    return [...this.#drafts.values()];
  }

  /** @param {number} room */
  of(room) {
    return this.all().filter((draft) => draft.room === room);
  }

  /** @param {string} nonce */
  get(nonce) {
    return this.#drafts.get(nonce);
  }

  /**
   * Takes what the shelf holds: drafts from before a reload, and those that a tab closed since has left.
   *
   * @param {Shelf} shelf
   */
  open(shelf) {
    this.#shelf = shelf;
    const stored = shelf.keys().map((key) => read(shelf.get(key))).filter((draft) => draft !== null);
    const fresh = stored.filter((draft) => !this.#drafts.has(draft.nonce));
    const order = [...this.#drafts.values(), ...fresh].sort((a, b) => a.at - b.at);
    this.#drafts = new Map(order.map((draft) => [draft.nonce, draft]));
    if (fresh.length) this.#changed(fresh.map(({ room }) => room));
  }

  /** Leaves the shelf as it is, for the next time this person is here. */
  close() {
    this.#drafts.clear();
    this.#shelf = new MemoryShelf();
  }

  /** @param {Pending} draft */
  add(draft) {
    const last = this.all().at(-1);
    const kept = { ...draft, at: Math.max(draft.at, (last?.at ?? 0) + 1) };
    this.#drafts.set(kept.nonce, kept);
    this.#shelf.set(kept.nonce, JSON.stringify(kept));
    this.#changed([kept.room]);
    return kept;
  }

  /**
   * The first waiting draft of each room that has none under way: they keep their order, refused or not.
   *
   * @returns {Pending[]}
   */
  ready() {
    const busy = new Set(this.all().filter(({ state }) => state === 'sending').map(({ room }) => room));
    return this.all().filter(({ room, state }) => {
      const first = state === 'waiting' && !busy.has(room);
      if (first) busy.add(room);
      return first;
    });
  }

  /** @param {string} nonce */
  sending(nonce) {
    this.#set(nonce, { state: 'sending', error: undefined });
  }

  /** No answer, or one that says "later". @param {string} nonce */
  waiting(nonce) {
    this.#set(nonce, { state: 'waiting', error: undefined });
    this.#store(nonce);
  }

  /**
   * A final refusal: it stays until its writer tries again or throws it away.
   *
   * @param {string} nonce
   * @param {{code: string, message: string}} error
   */
  failed(nonce, { code, message }) {
    this.#set(nonce, { state: 'failed', error: { code, message } });
    this.#store(nonce);
  }

  /**
   * Stored by the server. It stays in view until its message arrives.
   *
   * @param {string} nonce
   * @param {number} rev
   */
  sent(nonce, rev) {
    this.#shelf.remove(nonce);
    this.#set(nonce, { state: 'sent', rev });
    const room = this.#drafts.get(nonce)?.room;
    if (room) this.settle(room);
  }

  /** @param {string} nonce */
  remove(nonce) {
    this.#shelf.remove(nonce);
    this.drop(nonce);
  }

  /** Another tab has seen to it. @param {string} nonce */
  drop(nonce) {
    const draft = this.#drafts.get(nonce);
    if (draft && this.#drafts.delete(nonce)) this.#changed([draft.room]);
  }

  /** Drops the sent drafts whose messages have arrived. @param {number} room */
  settle(room) {
    const position = this.#position(room);
    for (const { nonce, state, rev } of this.of(room)) if (state === 'sent' && (rev ?? 0) <= position) this.drop(nonce);
  }

  /** No answers will come any more: what was under way waits again. */
  rewind() {
    for (const { nonce, state } of this.all()) if (state === 'sending') this.#set(nonce, { state: 'waiting' });
  }

  /** Throws everything away, for all tabs. */
  empty() {
    for (const key of this.#shelf.keys()) this.#shelf.remove(key);
    for (const nonce of [...this.#drafts.keys()]) this.remove(nonce);
  }

  /**
   * @param {string} nonce
   * @param {Partial<Pending>} fields
   */
  #set(nonce, fields) {
    const draft = this.#drafts.get(nonce);
    if (!draft) return;
    this.#drafts.set(nonce, { ...draft, ...fields });
    this.#changed([draft.room]);
  }

  /** Only where it still is: another tab may have sent and removed it. @param {string} nonce */
  #store(nonce) {
    const draft = this.#drafts.get(nonce);
    if (draft && this.#shelf.get(nonce) !== null) this.#shelf.set(nonce, JSON.stringify(draft));
  }
}

/**
 * @param {string | null} text
 * @returns {Pending | null}
 */
function read(text) {
  try {
    const draft = JSON.parse(text ?? 'null');
    const whole = draft && typeof draft.nonce === 'string' && typeof draft.text === 'string' && Number.isSafeInteger(draft.room);
    if (!whole) return null;
    return { ...draft, at: Number(draft.at) || 0, state: draft.state === 'failed' ? 'failed' : 'waiting' };
  } catch {
    return null;
  }
}
