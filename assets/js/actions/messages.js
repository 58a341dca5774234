import { settle } from '../model/sync.js';
import { upload } from '../net/http.js';
import { CommandError } from '../protocol/errors.js';
import { messages as readMessages, nonce } from '../protocol/frames.js';
import { permalink } from '../text/links.js';
import { Reading } from './reading.js';

/**
 * @typedef {import('../actions.js').Actions} Actions
 * @typedef {import('../model/room.js').Room} Room
 * @typedef {import('../protocol/types.js').FileInfo} FileInfo
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {{before?: number, after?: number}} Bound
 */

const PAGE = 50;
const FEW = 30;
const TYPING = 3_000;

/** Writing, and loading what is to be read. */
export class MessageActions {
  #client;
  #store;
  #reading;
  /** Pages on their way, by room and bound. @type {Map<string, Promise<void>>} */
  #loading = new Map();
  /** When each room was last told that I am typing. @type {Map<number, number>} */
  #typed = new Map();

  /** @param {Actions} client */
  constructor(client) {
    this.#client = client;
    this.#store = client.store;
    this.#reading = new Reading(client);
  }

  /**
   * It appears at once, and goes out as soon as it can.
   *
   * @param {number} room
   * @param {string} text
   * @param {{files?: FileInfo[], replyTo?: number}} [more]
   */
  post(room, text, { files, replyTo } = {}) {
    this.#typed.delete(room);
    const at = this.#client.clock.now();
    const draft = this.#store.outbox.add({ nonce: nonce(), room, text, files, replyTo, at, state: 'waiting' });
    this.#client.sender.go();
    return draft;
  }

  /** @param {string} key the nonce of a draft that was refused */
  retry(key) {
    this.#store.outbox.waiting(key);
    this.#client.sender.go();
  }

  /** @param {string} key the nonce of a draft */
  discard(key) {
    this.#store.outbox.remove(key);
  }

  /**
   * @param {number} room
   * @param {number} seq
   * @param {string} text
   */
  async edit(room, seq, text) {
    await this.#client.call('message.edit', { room, seq, text });
  }

  /**
   * @param {number} room
   * @param {number} seq
   */
  async remove(room, seq) {
    await this.#client.call('message.delete', { room, seq });
  }

  /** @param {number} id */
  async loadOlder(id) {
    const window = this.#store.rooms.get(id)?.timeline.window;
    if (window && window.from > 1) await this.#load(id, { before: window.from });
  }

  /** @param {number} id */
  async loadNewer(id) {
    const timeline = this.#store.rooms.get(id)?.timeline;
    if (timeline?.window && timeline.hasNewer) await this.#load(id, { after: timeline.window.to });
  }

  /**
   * Shows the stretch around a message.
   *
   * @param {number} id
   * @param {number} seq
   */
  async loadAround(id, seq) {
    const { timeline } = this.#room(id);
    seq = Math.max(1, seq); // a room of which nothing was read yet was read up to 0, which is no place in it
    const window = timeline.range(seq);
    const older = !window || (window.from > 1 && seq - window.from < FEW);
    const newer = !window || (window.to < timeline.position && window.to - seq < FEW);
    await Promise.all([
      older && this.#load(id, { before: window ? window.from : seq + 1 }),
      newer && this.#load(id, { after: window ? window.to : seq }),
    ]);
    this.#show(id, seq);
  }

  /** Shows the end of a room. @param {number} id */
  async toLatest(id) {
    const { timeline } = this.#room(id);
    if (!timeline.knowsEnd) await this.#load(id, {});
    this.#show(id, null);
    if (timeline.messages.length < FEW) await this.loadOlder(id);
  }

  /**
   * @param {number} id
   * @param {number} seq the last message on screen
   */
  markRead(id, seq) {
    this.#reading.seen(id, seq);
  }

  /** Everything in it is read. @param {number} id */
  catchUp(id) {
    this.#reading.catchUp(id);
  }

  /**
   * @param {number} id
   * @param {number} seq
   */
  markUnreadFrom(id, seq) {
    return this.#reading.markUnreadFrom(id, seq);
  }

  /** I am typing. @param {number} room */
  typing(room) {
    const now = this.#client.clock.now();
    if (now - (this.#typed.get(room) ?? -Infinity) < TYPING) return;
    this.#typed.set(room, now);
    this.#client.tell('room.typing', { room });
  }

  /**
   * @param {string} text words, and "phrases" in quotes
   * @param {{room?: number, before?: number}} [more]
   * @returns {Promise<{hits: import('../protocol/types.js').Hit[], more: boolean, before: number | null}>}
   */
  async search(text, { room, before } = {}) {
    const reply = await this.#client.read('search', { text, room, before });
    return { hits: reply.hits, more: reply.more, before: reply.before ?? null };
  }

  /**
   * @param {Blob} file
   * @param {string} name
   * @param {{onprogress?: (fraction: number) => void}} [options]
   */
  upload(file, name, { onprogress } = {}) {
    const most = this.#store.limits.file_bytes;
    if (most && file.size > most) {
      return { promise: Promise.reject(new CommandError('too_large')), abort() {} };
    }
    const { base, uploadFactory: factory } = this.#client;
    return upload(file, name, { base, onprogress, factory });
  }

  /** @param {number} id @returns {Message | undefined} */
  lastOwn(id) {
    const me = this.#store.me?.id;
    const messages = this.#store.rooms.get(id)?.timeline.messages ?? [];
    return messages.filter(({ user, deleted }) => user === me && !deleted).at(-1);
  }

  /**
   * @param {number} room
   * @param {number} seq
   */
  permalink(room, seq) {
    const address = this.#store.server?.addresses?.[0] ?? (this.#client.base || globalThis.location.origin);
    return permalink(address, room, seq);
  }

  /** @param {number} id @returns {Room} */
  #room(id) {
    const room = this.#store.rooms.get(id);
    if (!room) throw new CommandError('not_found');
    return room;
  }

  /**
   * @param {number} id
   * @param {number | null} seq
   */
  #show(id, seq) {
    this.#store.change(() => {
      this.#store.rooms.get(id)?.timeline.show(seq);
      this.#store.touch('timeline', id);
    });
  }

  /**
   * @param {number} id
   * @param {Bound} bound
   */
  #load(id, bound) {
    const key = `${id} ${JSON.stringify(bound)}`;
    const loading = this.#loading.get(key) ?? this.#fetch(this.#room(id), bound).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  /**
   * @param {Room} room
   * @param {Bound} bound
   */
  async #fetch(room, bound) {
    const { timeline } = room;
    const { position, generation } = timeline; // the server's answer is at least as new as this position
    const reply = await this.#client.read('room.history', { room: room.id, limit: PAGE, ...bound });
    if (timeline.generation !== generation || this.#store.rooms.get(room.id) !== room) return;
    const page = readMessages(reply.messages);
    this.#store.change(() => {
      timeline.merge(page);
      timeline.know(...stretch(page, Boolean(reply.more), bound, position));
      settle(this.#store, room, page);
      this.#store.touch('timeline', room.id);
    });
  }
}

/**
 * The numbers that a page of history speaks for, those between its messages and up to its bounds included.
 *
 * @param {Message[]} page ascending
 * @param {boolean} more
 * @param {Bound} bound
 * @param {number} position followed before the page was asked for
 * @returns {[number, number]}
 */
export function stretch(page, more, { before, after }, position) {
  const first = page[0]?.seq ?? 1;
  const last = page.at(-1)?.seq ?? 0;
  if (after !== undefined) return [after + 1, more ? last : Math.max(last, position)];
  return [more ? first : 1, before !== undefined ? before - 1 : Math.max(last, position)];
}
