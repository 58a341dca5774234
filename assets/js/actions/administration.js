/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {import('../protocol/types.js').Overview} Overview
 * @typedef {import('../protocol/types.js').Reach} Reach
 * @typedef {import('../protocol/types.js').ServiceState} ServiceState
 * @typedef {import('../protocol/types.js').SettingInfo} SettingInfo
 * @typedef {import('../protocol/types.js').RoomInfo} RoomInfo
 */

/** What the administration page asks for, besides people and invitations. */
export class Administration {
  #client;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
  }

  /** @returns {Promise<Overview>} */
  overview() {
    return this.#client.read('admin.overview');
  }

  /** @returns {Promise<{rooms: RoomInfo[], private: number, direct: number}>} */
  rooms() {
    return this.#client.read('admin.rooms');
  }

  /**
   * @param {number} room
   * @param {boolean} archived
   */
  async archive(room, archived) {
    await this.#client.call('admin.archive', { room, archived });
  }

  /** @returns {Promise<SettingInfo[]>} */
  async settings() {
    return (await this.#client.read('settings.list')).settings;
  }

  /**
   * @param {Record<string, string | null>} values null gives the default back
   * @returns {Promise<SettingInfo[]>}
   */
  async set(values) {
    return (await this.#client.call('settings.update', { values })).settings;
  }

  /** @param {string | null} image in Base64; null takes it away */
  async setLogo(image) {
    await this.#client.call('admin.logo', { image });
  }

  /** @returns {Promise<Reach>} */
  reach() {
    return this.#client.read('admin.reach');
  }

  async openFirewall() {
    await this.#client.call('admin.firewall');
  }

  /** Whether the server starts with its computer. @returns {Promise<ServiceState>} */
  service() {
    return this.#client.read('service.status');
  }

  /** @param {boolean} on @returns {Promise<ServiceState>} */
  setService(on) {
    return this.#client.call('service.set', { on });
  }

  /** What the program is made of. @returns {Promise<{name: string, version: string, license: string}[]>} */
  async licences() {
    return (await this.#client.read('licenses.list')).parts;
  }

  /**
   * @param {string} name of a part
   * @returns {Promise<string>} its terms
   */
  async licence(name) {
    return (await this.#client.read('licenses.text', { name })).text;
  }

  /**
   * @param {string} text an address of this server
   * @returns {Promise<string[]>} rows of ones and zeros
   */
  async qr(text) {
    return (await this.#client.read('qr.make', { text })).rows;
  }
}
