/** Time that tests set, storage that several tabs share, and a dice whose seed can be printed. */

/** @typedef {{at: number, run: () => void}} Timer */

/** Lets everything that already could happen, happen. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class FakeClock {
  #now = 1_700_000_000_000;
  /** @type {Set<Timer>} */
  #timers = new Set();

  now = () => this.#now;

  /**
   * @param {number} ms
   * @param {() => void} run
   */
  after = (ms, run) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** Runs what is due within `ms`, in order. @param {number} ms */
  async advance(ms) {
    const end = this.#now + ms;
    await settled();
    for (let timer = this.#next(end); timer; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
      await settled();
    }
    this.#now = end;
  }

  /** @param {number} end */
  #next(end) {
    const due = [...this.#timers].filter(({ at }) => at <= end);
    return due.sort((a, b) => a.at - b.at)[0];
  }
}

/** @implements {Storage} */
export class FakeStorage {
  /** @type {Map<string, string>} */
  #texts = new Map();
  /** What other tabs see of a change. @type {Set<FakeStorage>} */
  #tabs = new Set([this]);
  /** @type {(key: string, value: string | null) => void} */
  #seen = () => {};

  /**
   * The same storage as another tab has it, which hears of what the others change.
   *
   * @param {(key: string, value: string | null) => void} seen
   */
  tab(seen) {
    const tab = new FakeStorage();
    tab.#texts = this.#texts;
    tab.#tabs = this.#tabs.add(tab);
    tab.#seen = seen;
    return tab;
  }

  get length() {
    return this.#texts.size;
  }

  /** @param {number} index */
  key(index) {
    return [...this.#texts.keys()][index] ?? null;
  }

  /** @param {string} key */
  getItem(key) {
    return this.#texts.get(key) ?? null;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  setItem(key, value) {
    this.#texts.set(key, String(value));
    this.#tell(key, value);
  }

  /** @param {string} key */
  removeItem(key) {
    if (this.#texts.delete(key)) this.#tell(key, null);
  }

  clear() {
    this.#texts.clear();
  }

  /**
   * @param {string} key
   * @param {string | null} value
   */
  #tell(key, value) {
    for (const tab of this.#tabs) if (tab !== this) tab.#seen(key, value);
  }
}

/**
 * Mulberry32: small, and the same sequence for the same seed everywhere.
 *
 * @param {number} seed
 * @returns {() => number} in [0, 1)
 */
export function dice(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
