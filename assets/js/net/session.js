import { Emitter } from '../lib/emitter.js';
import { browserClock, pause } from '../lib/time.js';
import { CommandError } from '../protocol/errors.js';
import { commandFrame, readFrame, readHello } from '../protocol/frames.js';
import { bytes } from '../text/parts.js';
import { Repairs } from './repairs.js';
import { Heartbeat } from './socket.js';

/**
 * @typedef {import('../protocol/types.js').ServerEventAny} ServerEventAny
 * @typedef {import('../protocol/types.js').HelloReply} HelloReply
 *
 * What a session keeps up to date. It knows nothing of what lies behind.
 * @typedef {object} State
 * @property {() => import('../protocol/types.js').Positions} positions
 * @property {(reply: HelloReply) => {behind: number[], again: boolean}} hello
 * @property {(event: ServerEventAny & {repaired?: boolean}) => 'done' | 'gap' | 'hello'} apply
 * @property {(room: number) => number | null} position
 * @property {(ping: import('../protocol/types.js').PingReply) => {gaps: number[], hello: boolean}} compare
 */

const ANSWER = 30_000;
const REFRESH = 2_000;
const REFRESH_LEAST = 250;

/**
 * A conversation with the server that survives its connections: it says hello on each, follows every event, asks for what it
 * missed, and gives replies to whoever sent the command. Topics: `ready` after each hello.
 */
export class Session extends Emitter {
  #socket;
  #state;
  #clock;
  #random;
  #heartbeat;
  #repairs;
  #lastId = 0;
  /** @type {Map<number, {resolve: (ok: any) => void, reject: (error: CommandError) => void, cancel: () => void}>} */
  #waiting = new Map();
  /** Events that came while a snapshot was on its way. @type {ServerEventAny[] | null} */
  #held = null;
  /** Of the connection: what was begun on an older one must not go on. */
  #round = 0;
  #ready = false;
  /** In bytes; 0 is none. */
  #frameLimit = 0;
  /** @type {(() => void) | null} */
  #cancelRefresh = null;

  /**
   * @param {object} options
   * @param {import('./socket.js').Socket} options.socket
   * @param {State} options.state
   * @param {import('../lib/time.js').Clock} [options.clock]
   * @param {() => number} [options.random] in [0, 1)
   */
  constructor({ socket, state, clock = browserClock, random = Math.random }) {
    super();
    this.#socket = socket;
    this.#state = state;
    this.#clock = clock;
    this.#random = random;
    this.#heartbeat = new Heartbeat({ ping: () => this.ping(), dead: () => socket.drop(), clock });
    this.#repairs = new Repairs({ call: (name, fields) => this.call(name, fields), state, clock, refresh: () => this.refresh() });
    socket.on('open', () => void this.#hello());
    socket.on('frame', (text) => this.#frame(text));
    socket.on('down', () => this.#down());
    socket.on('back', () => this.#heartbeat.check());
  }

  /** Whether the snapshot is there and events are flowing. */
  get ready() {
    return this.#ready;
  }

  /**
   * @param {string} name of a command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>} the reply
   * @throws {CommandError} the server's refusal; `offline` without a connection or when it was lost before the answer
   */
  call(name, fields = {}) {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const frame = commandFrame(id, name, fields);
      if (this.#tooBig(frame)) return reject(new CommandError('too_large'));
      const sent = this.#socket.send(frame);
      if (!sent) return reject(new CommandError('offline'));
      const cancel = this.#clock.after(ANSWER, () => this.#settle(id, new CommandError('timeout')));
      this.#waiting.set(id, { resolve, reject, cancel });
    });
  }

  /** The server would close the connection, and a draft would be sent again and again. @param {string} frame */
  #tooBig(frame) {
    return this.#frameLimit > 0 && frame.length * 3 > this.#frameLimit && bytes(frame) > this.#frameLimit;
  }

  /** Compares what was followed with what the server has sent. */
  async ping() {
    const round = this.#round;
    const reply = await this.call('ping');
    if (round !== this.#round || !this.#ready || this.#held) return;
    const { gaps, hello } = this.#state.compare(reply);
    if (hello) this.refresh();
    else for (const room of gaps) this.#repairs.add(room);
  }

  /** A new snapshot, soon: many clients may have found the same thing missing at the same moment. */
  refresh() {
    this.#cancelRefresh ??= this.#clock.after(REFRESH_LEAST + this.#random() * REFRESH, () => {
      this.#cancelRefresh = null;
      if (this.#ready) void this.#hello();
    });
  }

  async #hello() {
    const round = this.#round;
    const fresh = () => round === this.#round;
    if (this.#held) return;
    this.#held = [];
    try {
      const reply = readHello(await this.call('hello', this.#state.positions()));
      if (fresh()) this.#welcome(reply);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      if (fresh()) await this.#refused(error, fresh);
    }
  }

  /** @param {HelloReply} reply */
  #welcome(reply) {
    const { behind, again } = this.#state.hello(reply);
    const held = this.#held ?? [];
    this.#held = null;
    this.#frameLimit = reply.limits.frame_bytes;
    if (again) return void this.#hello();
    for (const room of behind) this.#repairs.add(room);
    for (const event of held) this.#event(event);
    this.#ready = true;
    this.#heartbeat.start();
    this.#socket.settled();
    this.emit('ready');
  }

  /**
   * @param {CommandError} error
   * @param {() => boolean} fresh
   */
  async #refused(error, fresh) {
    this.#held = null;
    if (error.code === 'signed_out') return this.#socket.signedOut();
    if (error.lost || !error.temporary) return this.#socket.drop();
    await pause(this.#clock, error.wait * (1 + this.#random()));
    if (fresh()) await this.#hello();
  }

  #down() {
    this.#round++;
    this.#ready = false;
    this.#held = null;
    this.#cancelRefresh?.();
    this.#cancelRefresh = null;
    this.#heartbeat.stop();
    this.#repairs.clear();
    for (const id of [...this.#waiting.keys()]) this.#settle(id, new CommandError('offline'));
    this.emit('down');
  }

  /** @param {string} text */
  #frame(text) {
    this.#heartbeat.alive();
    const frame = readFrame(text);
    if (!frame) return;
    if ('event' in frame) {
      if (this.#held) this.#held.push(frame.event);
      else this.#event(frame.event);
      return;
    }
    const { re, ok, error } = frame.reply;
    this.#settle(re, error ? CommandError.from(error) : null, ok);
  }

  /**
   * @param {number} id
   * @param {CommandError | null} error
   * @param {any} [ok]
   */
  #settle(id, error, ok) {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    this.#waiting.delete(id);
    waiting.cancel();
    if (error) waiting.reject(error);
    else waiting.resolve(ok ?? {});
  }

  /** @param {ServerEventAny} event */
  #event(event) {
    if (event.ev === 'messages' && this.#repairs.hold(event)) return;
    const outcome = this.#state.apply(event);
    if (outcome === 'hello') this.refresh();
    if (outcome === 'gap' && event.ev === 'messages') {
      this.#repairs.add(event.room);
      this.#repairs.hold(event);
    }
  }
}
