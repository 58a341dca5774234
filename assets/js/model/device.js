import { MemoryShelf, shelf } from '../lib/storage.js';
import { nonce } from '../protocol/frames.js';

/**
 * @typedef {import('../lib/storage.js').Shelf} Shelf
 * @typedef {'system' | 'light' | 'dark'} Theme
 */

const HELD = 12_000;
const RENEWED = 4_000;

/** In UTF-16 units; the server takes a little more. */
const LONGEST = 250_000;

/** Of one tab of one address. */
const NOT_CARRIED = new Set(['lease']);

/**
 * What this device keeps for one person on one server: drafts on their way, preferences, and which tab speaks.
 * On a shared computer nothing is kept beyond the page.
 */
export class Device {
  #storage;
  #clock;
  #focused;
  #prefix = '';
  /** @type {Lease | null} */
  #lease = null;

  /**
   * @param {Storage | null} storage
   * @param {import('../lib/time.js').Clock} clock
   * @param {() => boolean} focused
   */
  constructor(storage, clock, focused) {
    this.#storage = storage;
    this.#clock = clock;
    this.#focused = focused;
  }

  /**
   * After each hello: only now it is certain which server this is, and who is signed in. Drafts that another tab left behind
   * are taken over.
   *
   * @param {{server: {id: string}, me: {id: number}, session: {shared?: boolean}}} hello
   * @param {Preferences} preferences
   * @param {import('./outbox.js').Outbox} outbox
   */
  open({ server, me, session }, preferences, outbox) {
    const prefix = `chatbox.${server.id}.${me.id}.`;
    const storage = session.shared ? null : this.#storage;
    const first = prefix !== this.#prefix;
    this.#prefix = prefix;
    if (first || storage) outbox.open(shelf(storage, `${prefix}out.`));
    if (!first) return;
    preferences.open(shelf(storage, prefix));
    this.#lease = new Lease(shelf(storage, prefix), this.#clock);
    this.#lease.start(this.#focused);
  }

  close() {
    this.#lease?.stop();
    this.#lease = null;
    this.#prefix = '';
  }

  /** @param {boolean} looking @returns {boolean} whether notices are this tab's matter */
  speaks(looking) {
    return this.#lease?.take(looking) ?? false;
  }

  /**
   * @param {string | null} key of the storage that changed
   * @param {string | null} value
   * @returns {string | null} the nonce of a draft that another tab has seen to
   */
  draftRemoved(key, value) {
    const drafts = `${this.#prefix}out.`;
    return this.#prefix && value === null && key?.startsWith(drafts) ? key.slice(drafts.length) : null;
  }
}

/** What a person likes on this device. The theme is known before anyone signs in; the rest belongs to one server and one person. */
export class Preferences {
  #device;
  /** @type {Shelf} */
  #own = new MemoryShelf();
  #changed;

  /**
   * @param {Shelf} device
   * @param {() => void} changed
   */
  constructor(device, changed) {
    this.#device = device;
    this.#changed = changed;
  }

  /** @param {Shelf} own */
  open(own) {
    this.#own = own;
    this.#changed();
  }

  close() {
    this.open(new MemoryShelf());
  }

  /** @returns {Theme} */
  get theme() {
    const theme = this.#own.get('theme') ?? this.#device.get('theme');
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  }

  set theme(theme) {
    this.#own.set('theme', theme);
    if (!(this.#own instanceof MemoryShelf)) this.#device.set('theme', theme);
    this.#changed();
  }

  get sound() {
    return this.#own.get('sound') !== 'off';
  }

  set sound(on) {
    this.#own.set('sound', on ? 'on' : 'off');
    this.#changed();
  }

  get notify() {
    return this.#own.get('notify') === 'on';
  }

  set notify(on) {
    this.#own.set('notify', on ? 'on' : 'off');
    this.#changed();
  }

  /** Whether it was read that this connection is not secure. */
  get warned() {
    return this.#own.get('warned') === 'yes';
  }

  set warned(read) {
    this.#own.set('warned', read ? 'yes' : 'no');
    this.#changed();
  }

  /** @returns {number | null} */
  get lastRoom() {
    return Number(this.#own.get('room')) || null;
  }

  set lastRoom(room) {
    this.#own.set('room', String(room ?? ''));
  }

  /** What was typed and not sent. @param {number} room */
  draft(room) {
    return this.#own.get(`draft.${room}`) ?? '';
  }

  /**
   * @param {number} room
   * @param {string} text
   */
  setDraft(room, text) {
    if (text) this.#own.set(`draft.${room}`, text);
    else this.#own.remove(`draft.${room}`);
  }

  /** Forget what was typed: its writer signs out. */
  clearDrafts() {
    for (const key of this.#own.keys()) if (key.startsWith('draft.')) this.#own.remove(key);
  }
}

/**
 * Of several tabs one speaks: the one that holds the lease. It is a key that lasts twelve seconds and is renewed while the
 * tab lives; `navigator.locks` would do it, but not on plain HTTP.
 */
export class Lease {
  #tab = nonce(8);
  #shelf;
  #clock;
  /** @type {(() => void) | null} */
  #cancel = null;

  /**
   * @param {Shelf} shelf
   * @param {import('../lib/time.js').Clock} clock
   */
  constructor(shelf, clock) {
    this.#shelf = shelf;
    this.#clock = clock;
  }

  /**
   * Takes the lease if nobody holds it; the tab that a person looks at takes it from any other.
   *
   * @param {boolean} looking
   * @returns {boolean} whether this tab holds it now
   */
  take(looking) {
    const [tab, until] = (this.#shelf.get('lease') ?? '').split(' ');
    const now = this.#clock.now();
    const theirs = tab && tab !== this.#tab && Number(until) > now && Number(until) <= now + HELD;
    if (theirs && !looking) return false;
    this.#shelf.set('lease', `${this.#tab} ${now + HELD}`);
    return true;
  }

  /** Holds on to it from now on. @param {() => boolean} looking */
  start(looking) {
    this.take(looking());
    this.#cancel = this.#clock.after(RENEWED, () => this.start(looking));
  }

  stop() {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#shelf.get('lease')?.startsWith(`${this.#tab} `)) this.#shelf.remove('lease');
  }
}

/**
 * What this device keeps for one person on one server: drafts, what waits to be sent, preferences. Browsers give each
 * address a storage of its own, so that it has to be carried from HTTP to HTTPS.
 *
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 * @returns {string | null} null where it is too much to be carried
 */
export function pack(storage, server, user) {
  const own = ownShelf(storage, server, user);
  const keys = own.keys().filter((key) => !NOT_CARRIED.has(key));
  const text = JSON.stringify(Object.fromEntries(keys.map((key) => [key, own.get(key) ?? ''])));
  return text.length > LONGEST ? null : text;
}

/**
 * Puts it where nothing is: what was written at this address meanwhile is not lost either.
 *
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 * @param {string} text
 */
export function unpack(storage, server, user, text) {
  const own = ownShelf(storage, server, user);
  for (const [key, value] of entries(text)) {
    if (typeof value === 'string' && !NOT_CARRIED.has(key) && own.get(key) === null) own.set(key, value);
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 */
function ownShelf(storage, server, user) {
  return shelf(storage, `chatbox.${server}.${user}.`);
}

/** @param {string} text @returns {[string, unknown][]} */
function entries(text) {
  try {
    const kept = JSON.parse(text);
    return typeof kept === 'object' && !Array.isArray(kept) ? Object.entries(kept ?? {}) : [];
  } catch {
    return [];
  }
}
