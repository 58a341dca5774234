import { CommandError } from '../protocol/errors.js';

/** @typedef {import('../actions.js').Actions} Actions */

const QUIET = 300;

/** How far I have read: told to the server shortly after, and again when there was no connection. */
export class Reading {
  #client;
  #store;
  /** Room to the position that the server does not know of yet. @type {Map<number, number>} */
  #seen = new Map();
  /** @type {(() => void) | null} */
  #cancel = null;

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
    this.#store = client.store;
    client.onReady(() => this.#later(QUIET));
  }

  /**
   * The last message on screen. It counts only while somebody looks, and not in a room that was marked unread.
   *
   * @param {number} id
   * @param {number} seq
   */
  seen(id, seq) {
    const { open, focused } = this.#store;
    if (!focused || (open?.room === id && open.held)) return;
    this.#advance(id, seq);
  }

  /** @param {number} id */
  catchUp(id) {
    const room = this.#store.rooms.get(id);
    if (!room) return;
    if (this.#store.open?.room === id) this.#store.mark({ held: false, line: null });
    this.#advance(id, room.counted);
  }

  /**
   * @param {number} id
   * @param {number} seq the first message that is to be unread
   */
  async markUnreadFrom(id, seq) {
    this.#seen.delete(id);
    if (this.#store.open?.room === id) this.#store.mark({ held: true, line: seq - 1 });
    await this.#client.call('room.read', { room: id, seq: seq - 1, unread: true });
  }

  /**
   * @param {number} id
   * @param {number} seq
   */
  #advance(id, seq) {
    const room = this.#store.rooms.get(id);
    if (!room || seq <= room.read || seq <= (this.#seen.get(id) ?? 0)) return;
    this.#seen.set(id, seq);
    if (seq >= room.lastPost) this.#readAll(id, seq);
    this.#later(QUIET);
  }

  /**
   * Nothing is left to count, so there is no need to wait for the server's counts.
   *
   * @param {number} id
   * @param {number} seq
   */
  #readAll(id, seq) {
    this.#store.change(() => {
      Object.assign(this.#store.rooms.get(id) ?? {}, { read: seq, unread: 0, mentions: 0 });
      this.#store.touch('rooms', id);
    });
  }

  /** @param {number} ms */
  #later(ms) {
    if (this.#seen.size) this.#cancel ??= this.#client.clock.after(ms, () => void this.#tell());
  }

  async #tell() {
    this.#cancel = null;
    if (!this.#client.online) return;
    for (const [room, seq] of [...this.#seen]) {
      try {
        await this.#client.call('room.read', { room, seq });
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        if (error.lost) return;
        if (error.temporary) return this.#later(error.wait);
      }
      if (this.#seen.get(room) === seq) this.#seen.delete(room);
    }
  }
}
