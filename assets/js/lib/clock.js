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
