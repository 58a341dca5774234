import { pause } from '../lib/time.js';
import { unpack } from '../model/device.js';

/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {import('../protocol/types.js').AdminPerson} AdminPerson
 * @typedef {import('../protocol/types.js').Invite} Invite
 * @typedef {import('../protocol/types.js').JoinPolicy} JoinPolicy
 * @typedef {{name: string, password: string, shared?: boolean}} Credentials
 */

/** Between two questions whether the other screen has agreed, in ms. */
const ASK_AGAIN = 1500;

/** Signing in and out, and one's own account. */
export class Account {
  #client;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
  }

  /** @param {Credentials} fields */
  async signIn(fields) {
    await this.#client.call('session.create', fields);
    this.#client.begin();
  }

  /** @param {Credentials & {full_name?: string, invite?: string}} fields */
  async register(fields) {
    await this.#client.call('user.register', fields);
    this.#client.begin();
  }

  /** @param {Credentials & {secret: string, server_name?: string, full_name?: string, join?: JoinPolicy}} fields */
  async setup(fields) {
    await this.#client.call('setup.complete', fields);
    this.#client.begin();
  }

  /**
   * Goes on with a sign-in from another address of this server, with what the device kept there.
   *
   * @param {string} secret
   * @param {string} [kept] what came in the address: of whoever made the secret, so it is theirs alone
   */
  async arrive(secret, kept = '') {
    const { user, state } = await this.#client.call('session.take', { secret });
    const { id } = await this.#client.call('server.info');
    unpack(this.#client.storage, id, user.id, state || kept);
  }

  /** @returns {Promise<boolean>} whether somebody is signed in at this address already */
  async isSignedIn() {
    return (await this.#client.call('server.info')).signed_in;
  }

  /**
   * Offers this sign-in to another device: the address that leads there, and the code of it.
   *
   * @returns {Promise<{url: string, rows: string[]}>}
   */
  async offer() {
    const { url } = await this.#client.call('session.move', { phone: true });
    return { url, rows: (await this.#client.call('qr.make', { text: url })).rows };
  }

  /** How far that is. @returns {Promise<import('../protocol/types.js').Moving>} */
  moving() {
    return this.#client.call('session.moving');
  }

  /** @param {boolean} allow whether the device that asks is let in */
  async allow(allow) {
    await this.#client.call('session.allow', { allow });
  }

  /**
   * Asks to be let in by the screen that offered its sign-in, and waits for it.
   *
   * @param {string} secret
   * @throws {CommandError} `not_found` where it was not let in
   */
  async join(secret) {
    let claim;
    for (;;) {
      const reply = await this.#client.call('session.take', { secret, claim });
      if (!reply.waiting) return;
      claim = reply.claim;
      await pause(this.#client.clock, ASK_AGAIN);
    }
  }

  /**
   * What was not sent yet is lost by signing out: then `confirm` is asked.
   *
   * @param {(waiting: number) => Promise<boolean> | boolean} [confirm]
   * @returns {Promise<boolean>} false where it was not confirmed
   */
  async signOut(confirm = () => true) {
    const { store } = this.#client;
    if (store.outbox.size && !(await confirm(store.outbox.size))) return false;
    this.#client.suspend();
    try {
      await this.#client.call('session.end');
    } catch (error) {
      this.#client.resume();
      throw error;
    }
    store.outbox.empty();
    store.preferences.clearDrafts();
    void this.#client.leave();
    return true;
  }

  /**
   * What a one-time link is for, without spending it.
   *
   * @param {string} secret
   * @returns {Promise<import('../protocol/types.js').LinkInfo>}
   */
  checkLink(secret) {
    return this.#client.call('link.check', { secret });
  }

  /**
   * @param {string} secret
   * @param {string} password
   * @returns {Promise<{user: {name: string}}>}
   */
  resetPassword(secret, password) {
    return this.#client.call('password.reset', { secret, password });
  }

  /** @param {{name?: string, full_name?: string, status?: string}} fields */
  async updateProfile(fields) {
    const { me } = await this.#client.call('user.update', fields);
    if (me) this.#client.store.apply({ ev: 'me', me });
  }

  /**
   * @param {string} old
   * @param {string} replacement
   */
  async changePassword(old, replacement) {
    await this.#client.call('user.password', { old, new: replacement });
  }

  /** @param {string} password once more, for what wants to be sure */
  async confirm(password) {
    await this.#client.call('session.confirm', { password });
  }

  /** @returns {Promise<import('../protocol/types.js').SessionInfo[]>} */
  async sessions() {
    return (await this.#client.read('session.list')).sessions;
  }

  /** @param {number} session */
  async revokeSession(session) {
    await this.#client.call('session.revoke', { session });
  }

  async revokeOthers() {
    await this.#client.call('session.revoke', { others: true });
  }

  /**
   * @param {string} label
   * @param {string} password
   * @returns {Promise<{token: string, session: import('../protocol/types.js').SessionInfo}>}
   */
  createToken(label, password) {
    return this.#client.call('token.create', { label, password });
  }

  /**
   * For good.
   *
   * @param {string} password
   * @param {boolean} messages whether all that I wrote goes too
   */
  async remove(password, messages) {
    const { store } = this.#client;
    await this.#client.call('account.delete', { password, messages });
    store.outbox.empty();
    store.preferences.clearDrafts();
    void this.#client.leave();
  }

  async dismissNotice() {
    const { store } = this.#client;
    await this.#client.call('notice.dismiss');
    if (!store.me) return;
    const { notice: _, ...me } = store.me;
    store.apply({ ev: 'me', me });
  }
}

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

  /**
   * For good.
   *
   * @param {number} user
   * @param {boolean} messages whether all that they wrote goes too
   */
  remove(user, messages) {
    return this.#change('user.delete', { user, messages });
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

  /** @param {{name?: string, join?: JoinPolicy}} fields */
  async update(fields) {
    await this.#client.call('server.update', fields);
  }

  /** @returns {Promise<Invite[]>} */
  async invites() {
    return (await this.#client.read('invite.list')).invites;
  }

  /**
   * @param {{days?: number, uses?: number, name?: string}} [fields] `name`: of a former member, to be taken again
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
