import { createClient } from '../../assets/js/actions.js';
import { FakeClock, FakeStorage } from './fakes.mjs';

/**
 * A server in memory that keeps the rules of positions, speaks the protocol's words, and can be told to lose, fold and
 * refuse. Its counts are computed anew each time, from nothing but the posts.
 *
 * @typedef {import('../../assets/js/protocol/types.js').Message} Message
 * @typedef {{id: number, head: number, messages: Map<number, Message>, published: number, read: Map<number, number>}} FakeRoom
 * @typedef {{code: string, message: string, retry_in?: number, field?: string}} Refusal
 */

const DELAY = 5;

export class FakeServer {
  clock;
  id = 'server-1';
  epoch = 'epoch-1';
  assets = 'v1';
  /** User to the number of what is their own. @type {Map<number, number>} */
  #mine = new Map();
  peopleRev = 1;
  up = true;
  /** Answers to `/api/ping` with 401. */
  signedIn = true;
  shared = false;
  /** @type {string[]} */
  addresses = [];
  ticket = 'ticket-1-2-abc';
  /** Answers of other addresses than its own, by address: the id of who answers. @type {Record<string, string>} */
  elsewhere = {};
  /** @type {Map<number, FakeRoom>} */
  rooms = new Map();
  /** @type {Set<FakeSocket>} */
  sockets = new Set();
  /** Every command that arrived over sockets. @type {any[]} */
  commands = [];
  /** Consulted first; what it returns is the reply, a Refusal is one with `code`. @type {(command: any) => any} */
  override = () => undefined;
  /** Whether an event to a socket is lost. @type {(event: any) => boolean} */
  loses = () => false;
  /** The most that `hello` tells of a room's changes. */
  perRoom = 500;
  pageSize = 500;
  /** @type {Map<string, any>} */
  #nonces = new Map();

  /** @param {FakeClock} clock */
  constructor(clock) {
    this.clock = clock;
    this.addRoom(1);
  }

  /** @param {number} id */
  addRoom(id) {
    this.rooms.set(id, { id, head: 1, messages: new Map(), published: 1, read: new Map() });
  }

  /**
   * @param {number} id
   * @param {number} user
   * @param {string} text
   * @param {{nonce?: string, mentions?: number[]}} [more]
   */
  post(id, user, text, { nonce, mentions } = {}) {
    const room = this.room(id);
    const seq = ++room.head;
    const at = this.clock.now();
    room.messages.set(seq, { room: id, seq, rev: seq, user, text, at, nonce, ...(mentions && { mentions }) });
    room.read.set(user, seq);
    return seq;
  }

  /**
   * @param {number} id
   * @param {number} seq
   * @param {string | null} text null deletes
   * @param {number[]} [mentions]
   */
  change(id, seq, text, mentions) {
    const room = this.room(id);
    const old = room.messages.get(seq);
    if (!old || old.deleted) return;
    const rev = ++room.head;
    const now = this.clock.now();
    const { mentions: _, ...bare } = old;
    room.messages.set(seq, text === null ? { ...bare, rev, text: '', deleted: now } : { ...bare, rev, text, edited: now, ...(mentions && { mentions }) });
  }

  /** Sends each room's changes since the last time as one event. @param {number} [only] */
  publish(only) {
    for (const room of this.rooms.values()) {
      if (room.published === room.head || (only && room.id !== only)) continue;
      const event = { ev: 'messages', room: room.id, after: room.published, head: room.head, messages: this.since(room, room.published) };
      room.published = room.head;
      this.send(event);
    }
  }

  /**
   * @param {any} event
   * @param {number} [only] to one user
   */
  send(event, only) {
    for (const socket of this.sockets) {
      const due = socket.listening && (!only || socket.user === only);
      if (due && !this.loses(event)) socket.deliver(event);
    }
  }

  /** @param {number} user */
  mineOf(user) {
    return this.#mine.get(user) ?? 1;
  }

  /** @param {number} user */
  nextMine(user) {
    this.#mine.set(user, this.mineOf(user) + 1);
    return this.mineOf(user);
  }

  /**
   * @param {FakeRoom} room
   * @param {number} position
   */
  since(room, position) {
    return [...room.messages.values()].filter(({ rev }) => rev > position).sort((a, b) => a.rev - b.rev);
  }

  /** @param {number} id */
  room(id) {
    const room = this.rooms.get(id);
    if (!room) throw new Error(`no room ${id}`);
    return room;
  }

  /**
   * @param {FakeRoom} room
   * @param {number} user
   */
  counts(room, user) {
    const read = room.read.get(user) ?? 0;
    const unread = [...room.messages.values()].filter(({ seq }) => seq > read);
    const mentions = unread.filter((message) => message.mentions?.includes(user));
    return { read, unread: unread.length, mentions: mentions.length };
  }

  /**
   * @param {any} command
   * @param {number} user
   * @returns {any} the reply, or a Refusal
   */
  answer(command, user) {
    const room = command.room ? this.rooms.get(command.room) : undefined;
    if (command.room && !room) return { code: 'not_found', message: 'No such room.' };
    switch (command.do) {
      case 'hello': return this.#hello(command, user);
      case 'ping': return this.#ping(user);
      case 'room.history': return this.#history(command);
      case 'room.changes': return this.#changes(command);
      case 'room.read': return this.#read(command, user);
      case 'message.post': return this.#post(command, user);
      case 'message.edit': return this.#edited(command, command.text);
      case 'message.delete': return this.#edited(command, null);
      case 'server.info': return { id: this.id, name: 'Test', setup: false, join: 'invite', version: '1', assets: this.assets, signed_in: this.signedIn };
      default: return {};
    }
  }

  /** @param {any} command @param {number} user */
  #hello({ epoch, heads = {} }, user) {
    const rooms = [...this.rooms.values()];
    /** @type {Record<string, any>} */
    const changes = {};
    for (const room of rooms) {
      const position = heads[room.id];
      if (position === undefined || (position === room.head && epoch === this.epoch)) continue;
      const found = this.since(room, position);
      changes[room.id] = epoch !== this.epoch || position > room.head ? 'reset' : found.length > this.perRoom ? 'behind' : found;
    }
    return {
      me: { id: user, name: `user${user}`, role: 'member' },
      server: { id: this.id, name: 'Test', version: '1', protocol: 1, addresses: this.addresses },
      epoch: this.epoch, mine: this.mineOf(user), people_rev: this.peopleRev, assets: this.assets, session: { id: 1, shared: this.shared, ticket: this.ticket },
      people: [1, 2, 3].map((id) => ({ id, name: `user${id}` })), online: [user], away: [], limits: {}, join: 'invite',
      rooms: rooms.map((room) => ({ id: room.id, kind: 'public', name: `room${room.id}`, head: room.head, posts: room.messages.size, count: 3, member: true, role: 'member', ...this.counts(room, user) })),
      changes,
    };
  }

  /** @param {number} user */
  #ping(user) {
    const heads = Object.fromEntries([...this.rooms.values()].map((room) => [room.id, room.published]));
    return { heads, mine: this.mineOf(user), people_rev: this.peopleRev };
  }

  /** @param {any} command */
  #history({ room, before = Infinity, after, limit = 50 }) {
    const all = [...this.room(room).messages.values()].sort((a, b) => a.seq - b.seq);
    const fitting = all.filter(({ seq }) => (after === undefined ? seq < before : seq > after));
    const messages = after === undefined ? fitting.slice(-limit) : fitting.slice(0, limit);
    return { messages, more: messages.length < fitting.length };
  }

  /** @param {any} command */
  #changes({ room: id, after, limit = 200 }) {
    const room = this.room(id);
    const found = this.since(room, after);
    const messages = found.slice(0, Math.min(limit, this.pageSize));
    const more = messages.length < found.length;
    return { messages, to: more ? messages[messages.length - 1].rev : room.head, head: room.head, more };
  }

  /** @param {any} command @param {number} user */
  #read({ room: id, seq, unread }, user) {
    const room = this.room(id);
    const changed = unread || seq > (room.read.get(user) ?? 0);
    if (changed) room.read.set(user, seq);
    const position = { room: id, ...this.counts(room, user), head: room.head };
    this.publish(id);
    if (changed) this.send({ ev: 'read', ...position, mine: this.nextMine(user) }, user);
    return position;
  }

  /** @param {any} command @param {number} user */
  #post({ room, nonce, text }, user) {
    const first = this.#nonces.get(nonce);
    if (first) return first.text === text && first.room === room ? { ...first.reply, duplicate: true } : { code: 'nonce_reused', message: '' };
    const seq = this.post(room, user, text, { nonce });
    const reply = { room, seq, rev: seq, at: this.clock.now() };
    this.#nonces.set(nonce, { room, text, reply });
    queueMicrotask(() => this.publish(room));
    return reply;
  }

  /** @param {any} command @param {string | null} text */
  #edited({ room, seq }, text) {
    this.change(room, seq, text);
    queueMicrotask(() => this.publish(room));
    return { room, seq, rev: this.room(room).head };
  }

  /** Stands in for `fetch`. @param {number} user @returns {any} */
  fetchFor(user) {
    return async (/** @type {string} */ url, /** @type {any} */ { body }) => {
      if (url.endsWith('/trust/ping')) {
        const id = this.elsewhere[url.replace('/trust/ping', '')];
        if (!id) throw new TypeError('fetch failed');
        return { ok: true, status: 200, json: async () => ({ id }) };
      }
      if (!this.up) throw new TypeError('fetch failed');
      const name = String(url).replace(/.*\/api\//, '');
      const known = this.signedIn || ['server.info', 'session.create'].includes(name);
      if (name === 'session.create') this.signedIn = true;
      if (name === 'session.end') this.signedIn = false;
      const reply = known ? this.answer({ ...JSON.parse(body), do: name }, user) : { code: 'signed_out', message: '' };
      const status = known ? 200 : 401;
      return { ok: status === 200, status, json: async () => (status === 200 ? reply : { error: reply }) };
    };
  }

  /** @param {number} [code] */
  cut(code = 1006) {
    for (const socket of [...this.sockets]) socket.closed(code);
  }

  /** No bytes move any more, and nobody is told. */
  freeze() {
    for (const socket of this.sockets) socket.frozen = true;
  }
}

/** One end of a connection in memory. */
export class FakeSocket {
  /** @type {any} */ onopen = null;
  /** @type {any} */ onmessage = null;
  /** @type {any} */ onclose = null;
  /** @type {any} */ onerror = null;
  listening = false;
  frozen = false;

  /**
   * @param {FakeServer} server
   * @param {number} user
   */
  constructor(server, user) {
    this.server = server;
    this.user = user;
    server.clock.after(DELAY, () => {
      if (!server.up || !server.signedIn) return this.onclose?.({ code: 1006 });
      server.sockets.add(this);
      this.onopen?.({});
    });
  }

  /** @param {string} text */
  send(text) {
    if (this.frozen) return;
    const command = JSON.parse(text);
    this.server.clock.after(DELAY, () => {
      if (!this.server.sockets.has(this)) return;
      this.server.commands.push(command);
      const reply = this.server.override(command) ?? this.server.answer(command, this.user);
      if (reply === 'silence') return;
      if (command.do === 'hello' && !reply.code) this.listening = true;
      this.deliver(reply.code ? { re: command.id, error: reply } : { re: command.id, ok: reply });
    });
  }

  /** @param {any} frame */
  deliver(frame) {
    const data = JSON.stringify(frame);
    this.server.clock.after(DELAY, () => {
      if (this.server.sockets.has(this) && !this.frozen) this.onmessage?.({ data });
    });
  }

  /** @param {number} code */
  closed(code) {
    this.server.sockets.delete(this);
    if (!this.frozen) this.onclose?.({ code });
  }

  close() {
    this.server.sockets.delete(this);
  }
}

/**
 * A client of a server in memory, past its first hello.
 *
 * @param {object} [options]
 * @param {FakeServer} [options.server]
 * @param {FakeClock} [options.clock]
 * @param {FakeStorage} [options.storage]
 * @param {number} [options.user]
 * @param {() => number} [options.random]
 * @param {boolean} [options.focused]
 * @param {number} [options.keep]
 * @param {boolean} [options.start]
 * @param {(address: () => string) => void} [options.go]
 */
export async function visit({ clock = new FakeClock(), server = new FakeServer(clock), storage = new FakeStorage(), user = 1, random = () => 0.5, focused = true, keep, start = true, go } = {}) {
  const targets = { window: new EventTarget(), document: new EventTarget() };
  const { store, actions } = createClient({
    base: 'http://test', clock, storage: storage.tab((key, value) => store.storageChanged(key, value)), random, targets, keep, go, focused: () => focused, assets: server.assets,
    fetch: server.fetchFor(user), socketFactory: () => new FakeSocket(server, user),
  });
  if (start) {
    void actions.start();
    await clock.advance(100);
  }
  /** @param {number} room */
  const texts = (room) => (store.rooms.get(room)?.timeline.messages ?? []).map(({ text }) => text);
  return { clock, server, storage, store, actions, targets, texts };
}
