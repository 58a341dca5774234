/**
 * Text by key. What `localStorage` offers, under a prefix, and never an exception: a browser may refuse storage
 * altogether (private mode, a policy, a full disk), and then things last as long as the page.
 *
 * @typedef {object} Shelf
 * @property {(key: string) => string | null} get
 * @property {(key: string, value: string) => void} set
 * @property {(key: string) => void} remove
 * @property {() => string[]} keys
 */

/** Keeps nothing beyond the page: for shared computers. @implements {Shelf} */
export class MemoryShelf {
  /** @type {Map<string, string>} */
  #texts = new Map();

  /** @param {string} key */
  get(key) {
    return this.#texts.get(key) ?? null;
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    this.#texts.set(key, value);
  }

  /** @param {string} key */
  remove(key) {
    this.#texts.delete(key);
  }

  keys() {
    return [...this.#texts.keys()];
  }
}

/** The keys of a `Storage` that begin with a prefix. @implements {Shelf} */
export class StorageShelf {
  #storage;
  #prefix;

  /**
   * @param {Storage} storage
   * @param {string} prefix
   */
  constructor(storage, prefix) {
    this.#storage = storage;
    this.#prefix = prefix;
  }

  /** @param {string} key */
  get(key) {
    return attempt(() => this.#storage.getItem(this.#prefix + key), null);
  }

  /**
   * @param {string} key
   * @param {string} value
   */
  set(key, value) {
    attempt(() => this.#storage.setItem(this.#prefix + key, value), undefined);
  }

  /** @param {string} key */
  remove(key) {
    attempt(() => this.#storage.removeItem(this.#prefix + key), undefined);
  }

  keys() {
    const keys = attempt(() => Array.from({ length: this.#storage.length }, (_, i) => this.#storage.key(i) ?? ''), []);
    return keys.filter((key) => key.startsWith(this.#prefix)).map((key) => key.slice(this.#prefix.length));
  }
}

/**
 * @template T
 * @param {() => T} run
 * @param {T} otherwise
 */
function attempt(run, otherwise) {
  try {
    return run();
  } catch (error) {
    if (error instanceof DOMException) return otherwise;
    throw error;
  }
}

/** @returns {Storage | null} the browser's own, or null where it refuses even to be looked at */
export function browserStorage() {
  return attempt(() => globalThis.localStorage ?? null, null);
}

/**
 * @param {Storage | null} storage
 * @param {string} prefix
 * @returns {Shelf}
 */
export function shelf(storage, prefix) {
  return storage ? new StorageShelf(storage, prefix) : new MemoryShelf();
}
