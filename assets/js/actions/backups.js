import { pause } from '../lib/time.js';
import { getFile, post } from '../net/http.js';
import { CommandError } from '../protocol/errors.js';

/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {object} Backup
 * @property {string} name
 * @property {number} at
 * @property {number} bytes
 * @property {{people: number, rooms: number, messages: number, files: number}} counts
 * @property {number} missing uploads that were damaged
 *
 * @typedef {object} Shelf the backups of the schedule, and how it is going
 * @property {Backup[]} backups
 * @property {string} folder
 * @property {boolean} same_disk
 * @property {'daily' | 'off'} schedule
 * @property {[number, number, number]} keep days, weeks, months
 * @property {string} [doing]
 * @property {{at: number, message: string}} [failure]
 */

const LOOK = 1000;

/** The backups of the server, and restoring one. */
export class Backups {
  #client;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
  }

  /** @returns {Promise<Shelf>} */
  list() {
    return this.#client.read('backup.list');
  }

  /**
   * Makes one now.
   *
   * @param {(doing: string) => void} onprogress
   * @returns {Promise<Shelf>} as it is then
   */
  async make(onprogress) {
    await this.#client.call('backup.create');
    return this.follow(onprogress);
  }

  /**
   * Waits until none is being made.
   *
   * @param {(doing: string) => void} onprogress
   * @returns {Promise<Shelf>}
   */
  async follow(onprogress) {
    for (;;) {
      const shelf = await this.list();
      if (!shelf.doing) return shelf;
      onprogress(shelf.doing);
      await pause(this.#client.clock, LOOK);
    }
  }

  /** Asks for the password where the server wants it before what follows, so that nothing is sent in vain. */
  async ready() {
    await this.#client.call('backup.ready');
  }

  /** @param {Backup} backup @returns {string} where it is handed out */
  address(backup) {
    return `${this.#client.base}/backups/${backup.name}.zip`;
  }

  /**
   * Hands a backup to the server, which starts anew with it.
   *
   * @param {File} file
   * @param {object} options
   * @param {string} [options.secret] the setup code, where nobody is signed in
   * @param {(fraction: number) => void} options.onprogress of what is sent
   */
  async restore(file, { secret = '', onprogress }) {
    const path = `/restore?name=${encodeURIComponent(file.name)}`;
    const headers = secret ? { 'Setup-Code': secret } : undefined;
    const { base, uploadFactory } = this.#client;
    if (!secret) await this.ready();
    await post(file, path, { base, headers, onprogress, factory: uploadFactory }).promise;
  }

  /**
   * The same with one that the server has.
   *
   * @param {Backup} backup
   */
  async restoreKept({ name }) {
    const { base, uploadFactory } = this.#client;
    await this.ready();
    await post(new Blob(), `/restore?backup=${name}`, { base, factory: uploadFactory }).promise;
  }

  /** @param {string} password under which it is locked @returns {Promise<Blob>} the security key */
  async securityKey(password) {
    await this.ready();
    return getFile('/security-key', { password }, { base: this.#client.base });
  }

  /** Waits until the server is back, and set up: from then on people sign in to what was restored. */
  async back() {
    for (;;) {
      await pause(this.#client.clock, LOOK);
      try {
        if (!(await this.#client.call('server.info')).setup) return;
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
      }
    }
  }
}
