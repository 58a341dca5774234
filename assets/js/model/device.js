import { shelf } from '../lib/storage.js';
import { Lease } from './notices.js';

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
   * @param {import('./preferences.js').Preferences} preferences
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
