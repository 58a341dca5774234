/** @typedef {{from: number, to: number}} Range both ends belong to it */

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
