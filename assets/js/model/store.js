import { Emitter } from '../lib/emitter.js';
import { shelf } from '../lib/storage.js';
import { browserClock } from '../lib/time.js';
import { Device, Preferences } from './device.js';
import { Outbox } from './outbox.js';
import { Members, People, Typing } from './people.js';
import { noticeOf } from './room.js';
import { Rooms } from './rooms.js';
import { applyEvent, applyHello } from './sync.js';

/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {import('./room.js').Room} Room
 * @typedef {'starting' | 'setup' | 'signin' | 'loading' | 'ready'} Phase
 * @typedef {{state: 'connecting' | 'online' | 'waiting' | 'signed_out', retryAt: number | null, since: number | null, moved: string | null}} Connection
 * @typedef {{room: Room, message: Message, kind: 'mention' | 'direct'}} Notice
 * @typedef {'done' | 'gap' | 'hello'} Outcome of an event: applied or of no use; changes before it are missing; a new snapshot is needed
 */

/**
 * Everything this client knows. It is changed by what the server sends and by `actions`, and tells what changed by topic:
 * once for each topic, after the whole of an event was applied, with the ids of the rooms or users concerned.
 */
export class Store {
  /** @type {Phase} */
  phase = 'starting';
  /** @type {Connection} */
  connection = { state: 'connecting', retryAt: null, since: null, moved: null };
  /** @type {import('../protocol/types.js').PublicInfo | null} before signing in */
  info = null;
  /** @type {import('../protocol/types.js').ServerInfo | null} */
  server = null;
  /** @type {import('../protocol/types.js').JoinPolicy} */
  join = 'closed';
  /** @type {import('../protocol/types.js').Limits} */
  limits = { text_bytes: 16_384, file_bytes: 25 * 2 ** 20, frame_bytes: 65_536 };
  /** @type {{id: number, shared?: boolean, ticket?: string} | null} */
  session = null;
  /** @type {import('../protocol/types.js').Me | null} */
  me = null;
  /** What an admin should know of the machine. @type {import('../protocol/types.js').Notice[]} */
  notices = [];
  /** The room shown; its New line stands after `line`; `held`: it was marked unread and stays so. @type {{room: number, line: number | null, held: boolean} | null} */
  open = null;
  /** The server offers a newer version of this page. */
  stale = false;

  people = new People();
  rooms = new Rooms(this.people, () => ({ me: this.me?.id ?? 0, open: this.open?.room ?? null }));
  outbox = new Outbox(
    (rooms) => this.change(() => this.touch('outbox', ...rooms)),
    (room) => this.position(room) ?? Infinity,
  );
  members = new Members();

  /** What `hello` tells of how far everything was followed. */
  epoch = '';
  mine = 0;
  peopleRev = 0;

  #emitter = new Emitter();
  /** @type {Map<string, Set<number>>} */
  #touched = new Map();
  #depth = 0;
  #focused;
  #assets;
  #keep;
  #device;

  /**
   * @param {object} [options]
   * @param {import('../lib/time.js').Clock} [options.clock]
   * @param {Storage | null} [options.storage]
   * @param {() => boolean} [options.focused] whether a person looks at this page now
   * @param {string} [options.assets] the version of this page
   * @param {number} [options.keep] messages kept of a room that is not open
   */
  constructor({ clock = browserClock, storage = null, focused = () => true, assets = '', keep = 200 } = {}) {
    this.#focused = focused;
    this.#assets = assets;
    this.#keep = keep;
    this.#device = new Device(storage, clock, focused);
    this.typing = new Typing(clock, (room) => this.change(() => this.touch('typing', room)));
    this.preferences = new Preferences(shelf(storage, 'chatbox.'), () => this.change(() => this.touch('preferences')));
  }

  /**
   * @param {string} topic
   * @param {(value: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(topic, listener) {
    return this.#emitter.on(topic, listener);
  }

  get openRoom() {
    return (this.open && this.rooms.get(this.open.room)) ?? null;
  }

  get focused() {
    return this.#focused();
  }

  /**
   * Alters things and then tells what was touched.
   *
   * @template T
   * @param {() => T} alter
   * @returns {T}
   */
  change(alter) {
    this.#depth++;
    try {
      return alter();
    } finally {
      if (--this.#depth === 0) this.#tell();
    }
  }

  /**
   * @param {string} topic
   * @param {number[]} ids
   */
  touch(topic, ...ids) {
    const touched = this.#touched.get(topic) ?? new Set();
    for (const id of ids) touched.add(id);
    this.#touched.set(topic, touched);
  }

  #tell() {
    const touched = this.#touched;
    this.#touched = new Map();
    for (const [topic, ids] of touched) this.#emitter.emit(topic, ids);
  }

  /** @param {Phase} phase */
  setPhase(phase) {
    if (this.phase === phase) return;
    this.phase = phase;
    this.change(() => this.touch('phase'));
  }

  /** @param {Partial<Connection>} fields */
  setConnection(fields) {
    this.connection = { ...this.connection, ...fields };
    this.change(() => this.touch('connection'));
  }

  /**
   * @param {import('../protocol/types.js').ServerEventAny & {repaired?: boolean}} event
   * @returns {Outcome}
   */
  apply(event) {
    return this.change(() => applyEvent(this, event));
  }

  /**
   * @param {import('../protocol/types.js').HelloReply} reply
   * @returns {{behind: number[], again: boolean}} rooms whose changes must be asked for; whether to say hello anew
   */
  hello(reply) {
    return this.change(() => {
      const other = this.me !== null && (this.me.id !== reply.me.id || this.server?.id !== reply.server.id);
      if (other) this.clear();
      const behind = other ? [] : applyHello(this, reply);
      if (!other) this.#device.open(reply, this.preferences, this.outbox);
      if (reply.assets && this.#assets && reply.assets !== this.#assets) this.#outdated();
      return { behind, again: other };
    });
  }

  #outdated() {
    this.stale = true;
    this.touch('version');
  }

  /**
   * Another tab changed what is kept.
   *
   * @param {string | null} key
   * @param {string | null} value
   */
  storageChanged(key, value) {
    const nonce = this.#device.draftRemoved(key, value);
    if (nonce) this.outbox.drop(nonce);
    else if (key?.endsWith('.theme')) this.change(() => this.touch('preferences'));
  }

  /** How far everything was followed. Rooms of which nothing is held need no changes. */
  positions() {
    if (!this.epoch) return {};
    const tracked = this.rooms.all().filter(({ timeline }) => timeline.tracked);
    const latest = tracked.sort((a, b) => b.at - a.at).slice(0, HEADS);
    this.change(() => tracked.slice(HEADS).forEach((room) => this.forgetRoom(room, room.position)));
    const heads = Object.fromEntries(latest.map((room) => [String(room.id), room.position]));
    return { epoch: this.epoch, heads, mine: this.mine, people: this.peopleRev };
  }

  /** @param {number} room @returns {number | null} null: not mine */
  position(room) {
    return this.rooms.get(room)?.position ?? null;
  }

  /**
   * What a ping's reply shows to be missing.
   *
   * @param {import('../protocol/types.js').PingReply} ping
   * @returns {{gaps: number[], hello: boolean}}
   */
  compare({ heads = {}, mine, people_rev: peopleRev }) {
    const rooms = this.rooms.all();
    const known = Object.keys(heads).length === rooms.length && rooms.every(({ id }) => id in heads);
    const hello = !known || (mine !== undefined && mine !== this.mine) || (peopleRev ?? 0) > this.peopleRev;
    return { gaps: rooms.filter(({ id, position }) => heads[id] > position).map(({ id }) => id), hello };
  }

  /**
   * @param {Room} room
   * @param {number} position
   */
  forgetRoom(room, position) {
    room.forget(position);
    this.touch('timeline', room.id);
  }

  /**
   * @param {number} room
   * @param {number | null} line
   */
  show(room, line) {
    this.change(() => {
      const before = this.openRoom;
      this.open = { room, line, held: false };
      if (before && before.id !== room) before.timeline.trim(this.#keep);
      this.touch('open');
      this.touch('rooms', room, ...(before ? [before.id] : []));
    });
  }

  hide() {
    this.change(() => {
      this.openRoom?.timeline.trim(this.#keep);
      this.open = null;
      this.touch('open');
      this.touch('rooms');
    });
  }

  /** @param {{line?: number | null, held?: boolean}} fields */
  mark(fields) {
    if (!this.open) return;
    this.open = { ...this.open, ...fields };
    this.change(() => this.touch('open'));
  }

  /**
   * Posts have arrived live. Of a room that is not open, the latest are enough.
   *
   * @param {Room} room
   * @param {Message[]} posts
   */
  arrived(room, posts) {
    for (const { user } of posts) this.typing.stop(room.id, user);
    for (const message of posts) this.#notice(room, message);
    this.#moveLine(room, posts.filter(({ user }) => user !== this.me?.id).length);
    const limit = this.open?.room === room.id ? this.#keep * 20 : this.#keep;
    if (room.timeline.size > limit * 1.25 && !room.timeline.hasNewer) room.timeline.trim(limit);
  }

  /**
   * Where nobody looks at the open room, and all of it had been read, the New line stands before what arrives.
   *
   * @param {Room} room
   * @param {number} fresh
   */
  #moveLine(room, fresh) {
    const { open } = this;
    if (!fresh || open?.room !== room.id || open.held || this.#focused() || room.unread !== fresh) return;
    this.mark({ line: room.read });
  }

  /**
   * @param {Room} room
   * @param {Message} message
   */
  #notice(room, message) {
    const focused = this.#focused();
    const kind = noticeOf(message, room, { me: this.me?.id ?? 0, open: this.open?.room ?? null, focused });
    if (kind && this.#device.speaks(focused)) this.#emitter.emit('notice', { room, message, kind });
  }

  /** A person looks at this tab again: notices are its matter now. */
  looked() {
    this.#device.speaks(true);
  }

  /** Everything of the person who was here; what they kept on this device stays on it. */
  clear() {
    this.change(() => {
      this.#device.close();
      for (const part of [this.rooms, this.people, this.members, this.typing]) part.clear();
      this.outbox.close();
      this.preferences.close();
      Object.assign(this, { me: null, session: null, open: null, epoch: '', mine: 0, peopleRev: 0 });
      for (const topic of ['me', 'rooms', 'people', 'open', 'outbox']) this.touch(topic);
    });
  }
}

/** More rooms than this are not told in `hello`: a frame has its limit. */
const HEADS = 2000;
