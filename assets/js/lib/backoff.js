const FIRST = 500;
const LONGEST = 30_000;

/**
 * Full jitter: a wait of rand(0, min(30 s, 0.5 s · 2^n)), so that clients which lost one server do not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export class Backoff {
  #tries = 0;
  #random;

  /** @param {() => number} random in [0, 1) */
  constructor(random) {
    this.#random = random;
  }

  /**
   * @param {number} [least] counts as at least that many tries before this one
   * @returns {number} how long to wait now, in ms
   */
  next(least = 0) {
    const tries = Math.max(this.#tries, least);
    this.#tries = tries + 1;
    return this.#random() * Math.min(LONGEST, FIRST * 2 ** tries);
  }

  reset() {
    this.#tries = 0;
  }
}
