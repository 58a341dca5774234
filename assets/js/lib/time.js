/**
 * Time, handed in wherever something waits, so that tests set it.
 *
 * @typedef {object} Clock
 * @property {() => number} now milliseconds since 1970
 * @property {(ms: number, run: () => void) => () => void} after runs once, later; the returned function cancels it
 */

/** @type {Clock} */
export const browserClock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * @param {Clock} clock
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(clock, ms) {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

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

/**
 * Runs once things have been quiet for `ms`, with the latest arguments.
 *
 * @template {unknown[]} A
 * @param {(...args: A) => void} run
 * @param {number} ms
 * @param {Clock} [clock]
 */
export function debounce(run, ms, clock = browserClock) {
  /** @type {(() => void) | null} */
  let stop = null;
  /** @type {A | null} */
  let latest = null;

  function flush() {
    const args = latest;
    cancel();
    if (args) run(...args);
  }

  function cancel() {
    stop?.();
    stop = latest = null;
  }

  /** @param {A} args */
  function later(...args) {
    stop?.();
    latest = args;
    stop = clock.after(ms, flush);
  }

  return Object.assign(later, { flush, cancel });
}
