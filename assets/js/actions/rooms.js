import { CommandError } from '../protocol/errors.js';

/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {import('../model/room.js').Room} Room
 * @typedef {import('../protocol/types.js').RoomInfo} RoomInfo
 * @typedef {import('../protocol/types.js').Member} Member
 */

/** Going into rooms, and who is in them. */
export class RoomActions {
  #client;
  #store;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
    this.#store = client.store;
    client.onReady(() => void this.#reload());
  }

  /**
   * Shows a room, at the New line where there is unread, or at the message `at`.
   *
   * @param {number} id
   * @param {{at?: number}} [options]
   * @throws {CommandError} `not_found` where the room is not mine
   */
  async open(id, { at } = {}) {
    const room = this.#store.rooms.get(id);
    if (!room) throw new CommandError('not_found');
    const line = room.unread > 0 ? room.read : null;
    this.#store.show(id, line);
    this.#store.preferences.lastRoom = id;
    const { messages } = this.#client;
    if (at) await messages.loadAround(id, at);
    else if (line !== null) await messages.loadAround(id, line);
    else await messages.toLatest(id);
  }

  /** Shows no room. */
  close() {
    this.#store.hide();
  }

  /** After a reset nothing is held of the room that is shown. */
  async #reload() {
    const room = this.#store.openRoom;
    if (!room || room.timeline.loaded) return;
    try {
      await this.#client.messages.toLatest(room.id);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
    }
  }

  /** @returns {Promise<RoomInfo[]>} mine but for the direct ones, and those that I could join */
  async browse() {
    const { rooms } = await this.#client.read('room.list');
    return rooms.filter((/** @type {RoomInfo} */ { kind }) => kind !== 'direct');
  }

  /** @param {{name: string, kind: 'public' | 'private', topic?: string}} fields */
  create(fields) {
    return this.#entered('room.create', fields);
  }

  /**
   * @param {number} room
   * @param {{name?: string, topic?: string, archived?: boolean}} fields
   */
  update(room, fields) {
    return this.#entered('room.update', { room, ...fields });
  }

  /** @param {number} room */
  join(room) {
    return this.#entered('room.join', { room });
  }

  /** @param {number[]} users */
  openDirect(users) {
    return this.#entered('direct.open', { users });
  }

  /**
   * @param {number} room
   * @param {boolean} [hidden]
   */
  hide(room, hidden = true) {
    return this.#entered('room.hide', { room, hidden });
  }

  /** @param {number} room */
  async leave(room) {
    await this.#client.call('room.leave', { room });
    this.#store.apply({ ev: 'room.gone', room });
  }

  /**
   * @param {number} room
   * @param {number} user
   */
  async invite(room, user) {
    await this.#client.call('room.invite', { room, user });
  }

  /**
   * @param {number} room
   * @param {number} user
   */
  async remove(room, user) {
    await this.#client.call('room.remove', { room, user });
  }

  /**
   * @param {number} room
   * @param {number} user
   * @param {import('../protocol/types.js').RoomRole} role
   */
  async setRole(room, user, role) {
    await this.#client.call('room.role', { room, user, role });
  }

  /**
   * @param {number} room
   * @returns {Promise<Member[]>}
   */
  async members(room) {
    const { members } = this.#store;
    const held = members.of(room);
    if (held) return held;
    members.expect(room);
    const reply = await this.#client.read('room.members', { room });
    this.#store.change(() => {
      members.set(room, reply.members);
      this.#store.touch('members', room);
    });
    return members.of(room) ?? [];
  }

  /** @param {number} room @returns {Member[] | null} as far as known */
  memberList(room) {
    return this.#store.members.of(room);
  }

  /**
   * @param {string} command one that replies with the room
   * @param {Record<string, unknown>} fields
   * @returns {Promise<Room>}
   */
  async #entered(command, fields) {
    const reply = await this.#client.call(command, fields);
    const info = /** @type {RoomInfo} */ ({ member: true, ...reply.room });
    this.#store.apply({ ev: 'room', room: info });
    return /** @type {Room} */ (this.#store.rooms.get(info.id));
  }
}
