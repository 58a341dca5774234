/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {import('../protocol/types.js').AdminPerson} AdminPerson
 * @typedef {import('../protocol/types.js').Invite} Invite
 */

/** What admins do with accounts. */
export class PeopleActions {
  #client;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
  }

  /** @returns {Promise<AdminPerson[]>} */
  async list() {
    return (await this.#client.read('people.list')).people;
  }

  /** @param {number} user */
  disable(user) {
    return this.#change('user.disable', { user });
  }

  /** @param {number} user */
  enable(user) {
    return this.#change('user.enable', { user });
  }

  /**
   * @param {number} user
   * @param {'admin' | 'member'} role
   */
  setRole(user, role) {
    return this.#change('user.role', { user, role });
  }

  /** @param {number} user */
  remove(user) {
    return this.#change('user.delete', { user });
  }

  /**
   * @param {number} user
   * @returns {Promise<{secret: string, url: string, expires: number}>}
   */
  resetLink(user) {
    return this.#client.call('user.reset_link', { user });
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} fields
   * @returns {Promise<AdminPerson>}
   */
  async #change(command, fields) {
    return (await this.#client.call(command, fields)).person;
  }
}

/** The server's name, who may join it, and invitations. */
export class ServerActions {
  #client;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
  }

  /** @param {{name?: string, join?: import('../protocol/types.js').JoinPolicy}} fields */
  async update(fields) {
    await this.#client.call('server.update', fields);
  }

  /** @returns {Promise<Invite[]>} */
  async invites() {
    return (await this.#client.read('invite.list')).invites;
  }

  /**
   * @param {{days?: number, uses?: number}} [fields]
   * @returns {Promise<{invite: Invite, secret: string, url: string}>}
   */
  createInvite(fields = {}) {
    return this.#client.call('invite.create', fields);
  }

  /** @param {number} invite */
  async revokeInvite(invite) {
    await this.#client.call('invite.revoke', { invite });
  }
}
