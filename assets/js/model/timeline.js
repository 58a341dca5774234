/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {{from: number, to: number}} Range both ends belong to it
 */

/** Numbers that are known, as ranges: in order, apart from each other, joined where they touch. */
export class Ranges {
  /** @type {Range[]} */
  #ranges = [];

  /**
   * @param {number} from
   * @param {number} to an empty range changes nothing
   */
  add(from, to) {
    if (to < from) return;
    const apart = this.#ranges.filter((range) => range.to < from - 1 || range.from > to + 1);
    for (const range of this.#ranges) {
      if (apart.includes(range)) continue;
      from = Math.min(from, range.from);
      to = Math.max(to, range.to);
    }
    this.#ranges = [...apart, { from, to }].sort((a, b) => a.from - b.from);
  }

  /**
   * @param {number} number
   * @returns {Range | null} the range that holds it
   */
  around(number) {
    return this.#ranges.find((range) => range.from <= number && number <= range.to) ?? null;
  }

  /** @returns {Range | null} */
  last() {
    return this.#ranges.at(-1) ?? null;
  }

  /** Forget all but what is in `from` and above. @param {number} from */
  keepFrom(from) {
    const kept = this.#ranges.filter((range) => range.to >= from);
    this.#ranges = kept.map((range) => ({ from: Math.max(from, range.from), to: range.to }));
  }

  clear() {
    this.#ranges = [];
  }

  get empty() {
    return this.#ranges.length === 0;
  }
}

/**
 * The messages of one room, by `seq`. It knows which stretches of numbers it holds completely, and shows one of them at a
 * time: the window. A message outside every stretch is kept too, so that a late page cannot bring back an older state.
 */
export class Timeline {
  /** @type {Map<number, Message>} */
  #bySeq = new Map();
  #known = new Ranges();
  /** A number inside the window, or null while the window is the end. @type {number | null} */
  #anchor = null;
  /** @type {Message[] | null} */
  #shown = null;
  /** Changes when messages were dropped: a page asked for before that no longer fits. */
  generation = 0;
  /** How far the room was followed: no number above it is known to be missing. */
  position = 0;

  /** Anything is held completely. */
  get loaded() {
    return this.#window !== null;
  }

  /** Whether a position in this room means more than a number: there is something to keep up to date. */
  get tracked() {
    return !this.#known.empty;
  }

  /** @returns {Message[]} of the window, by `seq`; the same array until something changes */
  get messages() {
    this.#shown ??= this.#collect();
    return this.#shown;
  }

  get hasOlder() {
    return (this.#window?.from ?? 1) > 1;
  }

  get hasNewer() {
    const window = this.#window;
    return window !== null && window.to < this.position;
  }

  /** The room's first message is in the window. */
  get start() {
    return this.loaded && !this.hasOlder;
  }

  get oldest() {
    return this.messages[0]?.seq ?? null;
  }

  get newest() {
    return this.messages.at(-1)?.seq ?? null;
  }

  /** The bounds to ask pages by: numbers, of messages or not. @returns {Range | null} */
  get window() {
    return this.#window;
  }

  /** @param {number} seq */
  get(seq) {
    return this.#bySeq.get(seq);
  }

  /** Every message held, by `seq`. */
  all() {
    return [...this.#bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  /**
   * Takes states of messages; of two the greater `rev` wins.
   *
   * @param {Message[]} messages
   */
  merge(messages) {
    for (const message of messages) {
      const held = this.#bySeq.get(message.seq);
      if (!held || message.rev > held.rev) this.#bySeq.set(message.seq, message);
    }
    this.#shown = null;
  }

  /**
   * Every message posted with a number in from..to is held now.
   *
   * @param {number} from
   * @param {number} to
   */
  know(from, to) {
    this.#known.add(from, to);
    this.#shown = null;
  }

  /** Show the stretch around a number, or the end. @param {number | null} seq */
  show(seq) {
    this.#anchor = seq;
    this.#shown = null;
  }

  /** @param {number} seq @returns {Range | null} the stretch around a number, where it is held */
  range(seq) {
    return this.#known.around(seq);
  }

  /** The end of the room is held. */
  get knowsEnd() {
    return this.tracked && (this.#known.last()?.to ?? 0) >= this.position;
  }

  /** Forget everything. */
  clear() {
    this.#bySeq.clear();
    this.#known.clear();
    this.show(null);
    this.generation++;
  }

  /** Keep the latest messages only. @param {number} count */
  trim(count) {
    const seqs = [...this.#bySeq.keys()];
    if (seqs.length <= count) return;
    const from = seqs.sort((a, b) => b - a)[count - 1];
    for (const seq of seqs) if (seq < from) this.#bySeq.delete(seq);
    this.#known.keepFrom(from);
    this.show(null);
    this.generation++;
  }

  /** @returns {Message | undefined} the latest held */
  get last() {
    let last;
    for (const message of this.#bySeq.values()) if (!last || message.seq > last.seq) last = message;
    return last;
  }

  get size() {
    return this.#bySeq.size;
  }

  get #window() {
    if (this.#anchor !== null) return this.#known.around(this.#anchor);
    return this.knowsEnd ? this.#known.last() : null;
  }

  #collect() {
    const window = this.#window;
    if (!window) return [];
    const within = [...this.#bySeq.values()].filter(({ seq }) => seq >= window.from && seq <= window.to);
    return within.sort((a, b) => a.seq - b.seq);
  }
}
