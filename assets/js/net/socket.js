import { Emitter } from '../lib/emitter.js';
import { Backoff, browserClock } from '../lib/time.js';
import { FRAME_TOO_BIG, mayReturn, patience } from '../protocol/errors.js';

const OPENING = 10_000;
const BEAT_EVERY = 20_000;
const BEAT_ANSWER = 10_000;
const BEAT_CHECK = 4_000;

/**
 * @typedef {'connecting' | 'online' | 'waiting' | 'signed_out'} State
 * @typedef {{state: State, retryAt: number | null}} Status
 * @typedef {Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose' | 'onerror'>} RawSocket
 * @typedef {{window?: EventTarget, document?: EventTarget}} Targets
 */

/**
 * One connection at a time, made anew whenever it is lost, until the server says that nobody is signed in.
 * Topics: `open`; `frame` with its text; `down` when a connection is gone; `status`; `back` when a
 * person returned to the page or the network changed: time to see whether the connection lives.
 */
export class Socket extends Emitter {
  /** @type {Status} */
  status = { state: 'waiting', retryAt: null };

  #url;
  #factory;
  #signedIn;
  #clock;
  #targets;
  #backoff;
  /** @type {RawSocket | null} */
  #raw = null;
  /** @type {() => void} */
  #cancel = () => {};
  #running = false;
  #opened = false;

  /**
   * @param {object} options
   * @param {string} options.url
   * @param {(url: string) => RawSocket} [options.factory]
   * @param {() => Promise<boolean>} options.signedIn asks the server over HTTP; true while it cannot be told
   * @param {import('../lib/time.js').Clock} [options.clock]
   * @param {() => number} [options.random] in [0, 1)
   * @param {Targets} [options.targets] what tells of `online`, `offline`, `focus`, `pageshow` and `visibilitychange`
   */
  constructor({ url, factory = (to) => new WebSocket(to), signedIn, clock = browserClock, random = Math.random, targets = {} }) {
    super();
    this.#url = url;
    this.#factory = factory;
    this.#signedIn = signedIn;
    this.#clock = clock;
    this.#targets = targets;
    this.#backoff = new Backoff(random);
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#listen('addEventListener');
    this.#connect();
  }

  stop() {
    this.#running = false;
    this.#listen('removeEventListener');
    this.#abandon();
  }

  /** Try at once. */
  retry() {
    if (this.#running && this.status.state === 'waiting') this.#connect();
  }

  /** The connection is of use: the next loss begins with a short wait again. */
  settled() {
    this.#backoff.reset();
    this.#setStatus('online');
  }

  /** @param {string} text @returns {boolean} whether there was a connection to send it on */
  send(text) {
    if (!this.#opened || !this.#raw) return false;
    this.#raw.send(text);
    return true;
  }

  /** Drop a connection that no longer answers. Its own closing is not waited for: it may take minutes. */
  drop() {
    if (this.#raw) this.#lost(0);
  }

  /** The session has ended: no use in coming back. */
  signedOut() {
    this.stop();
    this.#setStatus('signed_out');
  }

  #connect() {
    this.#abandon();
    this.#setStatus('connecting');
    const raw = this.#factory(this.#url);
    this.#raw = raw;
    this.#cancel = this.#clock.after(OPENING, () => this.#lost(0));
    raw.onopen = () => {
      this.#cancel();
      this.#opened = true;
      this.emit('open');
    };
    raw.onmessage = ({ data }) => void (typeof data === 'string' && this.emit('frame', data));
    raw.onclose = ({ code }) => this.#lost(code);
    raw.onerror = null;
  }

  /** Let go of the connection without a word to anyone. */
  #abandon() {
    this.#cancel();
    const raw = this.#raw;
    this.#raw = null;
    const wasOpen = this.#opened;
    this.#opened = false;
    if (!raw) return;
    raw.onopen = raw.onmessage = raw.onclose = null;
    raw.onerror = () => {};
    raw.close();
    if (wasOpen) this.emit('down');
  }

  /** @param {number} code 0 where this side gave up */
  #lost(code) {
    const refused = !this.#opened;
    this.#abandon();
    if (!mayReturn(code)) return this.signedOut();
    const least = code === FRAME_TOO_BIG ? 3 : patience(code);
    this.#wait(this.#backoff.next(least));
    if (refused) void this.#askWhetherSignedIn();
  }

  /** @param {number} ms */
  #wait(ms) {
    this.#cancel();
    this.#cancel = this.#clock.after(ms, () => this.#connect());
    this.#setStatus('waiting', this.#clock.now() + ms);
  }

  /** A refused handshake looks like being offline to a browser: only HTTP tells them apart. */
  async #askWhetherSignedIn() {
    const signedIn = await this.#signedIn();
    if (this.#running && !signedIn) this.signedOut();
  }

  /**
   * @param {State} state
   * @param {number | null} [retryAt]
   */
  #setStatus(state, retryAt = null) {
    this.status = { state, retryAt };
    this.emit('status', this.status);
  }

  /** @param {'addEventListener' | 'removeEventListener'} how */
  #listen(how) {
    for (const name of ['online', 'focus', 'pageshow']) this.#targets.window?.[how](name, this.#back);
    this.#targets.window?.[how]('offline', this.#shaken);
    this.#targets.document?.[how]('visibilitychange', this.#back);
  }

  #back = () => {
    if (this.status.state === 'waiting') this.retry();
    else if (this.#opened) this.emit('back');
  };

  /** The browser says that the network is gone, which need not be true of this server: see whether it still answers. */
  #shaken = () => {
    if (this.#opened) this.emit('back');
  };
}

/**
 * Asks a quiet connection whether it lives, every 20 seconds, and drops it when no answer came within 10: a browser neither
 * sees the server's protocol pings nor notices by itself that a cable was pulled.
 */
export class Heartbeat {
  #ping;
  #dead;
  #clock;
  /** @type {(() => void) | null} */
  #cancelNext = null;
  /** @type {(() => void) | null} */
  #cancelLimit = null;
  #round = 0;
  #limit = BEAT_ANSWER;

  /**
   * @param {object} options
   * @param {() => Promise<unknown>} options.ping settles when the answer is there, a refusal too
   * @param {() => void} options.dead
   * @param {import('../lib/time.js').Clock} options.clock
   */
  constructor({ ping, dead, clock }) {
    this.#ping = ping;
    this.#dead = dead;
    this.#clock = clock;
  }

  start() {
    this.stop();
    this.#cancelNext = this.#clock.after(BEAT_EVERY, () => this.#beat(BEAT_ANSWER));
  }

  stop() {
    this.#round++;
    this.#cancelNext?.();
    this.#cancelLimit?.();
    this.#cancelNext = this.#cancelLimit = null;
  }

  /** Ask now: somebody came back to the page, and its timers may have slept. Who does so again and again waits no longer. */
  check() {
    const checking = this.#cancelLimit && this.#limit === BEAT_CHECK;
    if (!checking && (this.#cancelNext || this.#cancelLimit)) this.#beat(BEAT_CHECK);
  }

  /** Something arrived: whatever it is, the connection lives. */
  alive() {
    if (this.#cancelLimit) this.#wait();
  }

  #wait() {
    this.#cancelLimit?.();
    this.#cancelLimit = this.#clock.after(this.#limit, () => {
      this.stop();
      this.#dead();
    });
  }

  /** @param {number} limit */
  #beat(limit) {
    this.stop();
    const round = this.#round;
    this.#limit = limit;
    this.#wait();
    const answered = () => {
      if (round === this.#round) this.start();
    };
    this.#ping().then(answered, answered);
  }
}
