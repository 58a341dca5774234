import { pack } from '../model/device.js';
import { findAddress } from '../net/http.js';

/** How long the server must be gone before it is looked for elsewhere, and between two such looks. In ms. */
const GONE = 20_000;

/** Of an address: browsers take more, but not all of them much more. In characters. */
const LONGEST = 500_000;

/**
 * Looks for a server that is gone at its other addresses, and goes on there: as whoever is signed in here, with all that
 * this device keeps of them. The address that is gone cannot be asked any more, so the ticket of the last hello is used.
 */
export class Relocation {
  #store;
  #options;
  /** Every address that the server ever told this page. @type {Set<string>} */
  #known = new Set();
  /** @type {() => void} */
  #cancel = () => {};

  /**
   * @param {import('../model/store.js').Store} store
   * @param {object} options
   * @param {string} options.own the address of this page
   * @param {import('../lib/time.js').Clock} options.clock
   * @param {Storage | null} options.storage
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {(address: () => string) => void} [options.go] leaves for an address, where that suits
   */
  constructor(store, options) {
    this.#store = store;
    this.#options = options;
    store.on('server', () => {
      for (const address of store.server?.addresses ?? []) this.#known.add(address);
    });
  }

  /** The connection is lost. */
  begin() {
    this.#cancel();
    this.#cancel = this.#options.clock.after(GONE, () => void this.#search());
  }

  /** It is there again, or nobody is signed in. */
  end() {
    this.#cancel();
    this.#cancel = () => {};
  }

  async #search() {
    const { own, fetch, clock, go } = this.#options;
    const begun = this.#cancel;
    const { server } = this.#store;
    const found = server && (await findAddress(alike(own, [...this.#known]), own, server.id, { fetch, clock }));
    if (begun !== this.#cancel) return;
    this.#store.setConnection({ moved: found ? this.#destination(found) : null });
    if (found && !this.#leavesBehind()) go?.(() => this.#destination(found));
    this.begin();
  }

  /** Whether something that waits to be sent could not come along. */
  #leavesBehind() {
    const { outbox, session } = this.#store;
    return outbox.size > 0 && (session?.shared === true || this.#kept() === null);
  }

  /** @param {string} address */
  #destination(address) {
    const { session } = this.#store;
    const kept = this.#kept();
    return session?.ticket && kept !== null ? `${address}/#move=${session.ticket}&kept=${kept}` : `${address}/`;
  }

  /** What this device keeps, as it fits into an address; null where it does not. */
  #kept() {
    const { server, me } = this.#store;
    const state = server && me && pack(this.#options.storage, server.id, me.id);
    const kept = typeof state === 'string' ? encodeURIComponent(state) : null;
    return kept !== null && kept.length <= LONGEST ? kept : null;
  }
}

/**
 * A page over HTTPS may not look at addresses of HTTP; the server answers both at the same ones.
 *
 * @param {string} own
 * @param {string[]} addresses
 */
function alike(own, addresses) {
  return own.startsWith('https:') ? addresses.map((address) => address.replace(/^http:/, 'https:')) : addresses;
}
