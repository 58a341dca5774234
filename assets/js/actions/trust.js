import { shelf } from '../lib/storage.js';
import { pack } from '../model/device.js';
import { Api, askAbout, isTrusted, secureOrigin } from '../net/http.js';
import { CommandError } from '../protocol/errors.js';

/** @typedef {import('../net/http.js').About} About */

/** On this device, at this address: the id of the server that it trusts over HTTPS. */
const TRUSTED = 'secure';

/** From HTTP to HTTPS, on a device that trusts the server. */
export class Trust {
  #storage;
  #location;
  #api = new Api();

  /**
   * @param {Storage | null} storage
   * @param {Location} location
   */
  constructor(storage, location) {
    this.#storage = storage;
    this.#location = location;
  }

  /** Whether this page came over a connection that nobody can read along with. */
  get secure() {
    return this.#location.protocol === 'https:';
  }

  about() {
    return askAbout();
  }

  /** Whether there is a better connection than this page's. A page of the computer itself is secure as it is. */
  async isOffered() {
    if (globalThis.isSecureContext) return false;
    return (await askAbout())?.encrypts === true;
  }

  /** @param {About} about */
  test({ id }) {
    return isTrusted(secureOrigin(this.#location), id);
  }

  /**
   * The address to go on at: still signed in, with all that this device keeps of the person. The sign-in here ends when
   * it is taken up there.
   *
   * @param {About} about
   * @returns {Promise<string>}
   * @throws {CommandError} `too_large` where too much waits to be sent
   */
  async leave({ id, me }) {
    const origin = secureOrigin(this.#location);
    const state = me ? pack(this.#storage, id, me.id) : '';
    if (state === null) throw new CommandError('too_large');
    const moved = me ? await this.#api.call('session.move', { state }) : null;
    shelf(this.#storage, 'chatbox.').set(TRUSTED, id);
    return moved ? `${origin}/#move=${moved.secret}` : `${origin}/`;
  }

  /**
   * Where a device that was led to HTTPS before goes by itself, if that still works: never to an address that does not.
   *
   * @returns {Promise<string | null>} an origin
   */
  async better() {
    const server = shelf(this.#storage, 'chatbox.').get(TRUSTED);
    if (this.secure || !server) return null;
    const origin = secureOrigin(this.#location);
    return (await isTrusted(origin, server)) ? origin : null;
  }
}
