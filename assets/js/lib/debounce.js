import { browserClock } from './clock.js';

/**
 * Runs once things have been quiet for `ms`, with the latest arguments.
 *
 * @template {unknown[]} A
 * @param {(...args: A) => void} run
 * @param {number} ms
 * @param {import('./clock.js').Clock} [clock]
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

/**
 * Runs at once, and then at most once in `ms`; calls in between are dropped.
 *
 * @template {unknown[]} A
 * @param {(...args: A) => void} run
 * @param {number} ms
 * @param {import('./clock.js').Clock} [clock]
 * @returns {(...args: A) => void}
 */
export function throttle(run, ms, clock = browserClock) {
  let free = -Infinity;
  return (...args) => {
    const now = clock.now();
    if (now < free) return;
    free = now + ms;
    run(...args);
  };
}
