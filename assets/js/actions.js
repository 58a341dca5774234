import { MessageActions } from './actions/messages.js';
import { Account, PeopleActions, ServerActions } from './actions/people.js';
import { Relocation } from './actions/relocation.js';
import { RoomActions } from './actions/rooms.js';
import { browserStorage } from './lib/storage.js';
import { Backoff, browserClock, pause } from './lib/time.js';
import { Store } from './model/store.js';
import { Api } from './net/http.js';
import { Sender } from './net/sender.js';
import { Session } from './net/session.js';
import { Socket } from './net/socket.js';
import { CommandError } from './protocol/errors.js';
import { overHttp } from './protocol/frames.js';

/**
 * @typedef {object} Options what touches the world; the browser's own by default
 * @property {string} [base] the server's address; '' is the page's own
 * @property {string} [assets] the version of this page
 * @property {() => boolean} [focused]
 * @property {import('./net/socket.js').Targets} [targets]
 * @property {import('./lib/time.js').Clock} [clock]
 * @property {Storage | null} [storage]
 * @property {() => number} [random]
 * @property {typeof globalThis.fetch} [fetch]
 * @property {Record<string, string>} [headers] of requests over HTTP
 * @property {(url: string) => import('./net/socket.js').RawSocket} [socketFactory]
 * @property {() => XMLHttpRequest} [uploadFactory]
 * @property {(address: () => string) => void} [go] leaves for another address of the server, where that suits
 * @property {number} [keep] messages kept of a room that is not open
 */

/** @param {Options} [options] */
export function createClient(options = {}) {
  const { clock, focused, assets, keep } = options;
  const storage = options.storage === undefined ? browserStorage() : options.storage;
  const store = new Store({ clock, storage, focused, assets, keep });
  return { store, actions: new Actions(store, options) };
}

/** What a person wants, told to the server; and the course of a visit, from the first question to signing out. */
export class Actions {
  #options;
  #clock;
  #random;
  #api;
  #socket;
  #session;
  #relocation;
  #away = false;
  /** @type {Promise<boolean> | null} */
  #confirming = null;
  /** Asks for the password, and gives whether it was right: some changes want to be sure. @type {() => Promise<boolean>} */
  confirm = async () => false;

  /**
   * @param {Store} store
   * @param {Options} options
   */
  constructor(store, options) {
    const { base = '', clock = browserClock, random = Math.random, fetch, headers, socketFactory, targets } = options;
    this.store = store;
    this.base = base;
    this.storage = options.storage === undefined ? browserStorage() : options.storage;
    this.uploadFactory = options.uploadFactory;
    this.clock = this.#clock = clock;
    this.#options = options;
    this.#random = random;
    this.#api = new Api({ base, fetch, clock, headers });
    const url = `${(base || globalThis.location.origin).replace(/^http/, 'ws')}/ws`;
    this.#socket = new Socket({ url, factory: socketFactory, signedIn: () => this.#isSignedIn(), clock, random, targets });
    this.#session = new Session({ socket: this.#socket, state: store, clock, random });
    this.sender = new Sender({ session: this.#session, drafts: store.outbox, clock });
    const own = base || (globalThis.location?.origin ?? '');
    this.#relocation = new Relocation(store, { own, clock, storage: this.storage, fetch, go: options.go });
    this.account = new Account(this);
    this.rooms = new RoomActions(this);
    this.messages = new MessageActions(this);
    this.people = new PeopleActions(this);
    this.server = new ServerActions(this);
    this.presence = { away: (/** @type {boolean} */ isAway) => this.#setAway(isAway) };
    this.#follow();
  }

  #follow() {
    const window = this.#options.targets?.window;
    this.#socket.on('status', () => this.#connectionChanged());
    this.#socket.on('open', () => this.store.phase === 'starting' && this.store.setPhase('loading'));
    this.#session.on('ready', () => this.#ready());
    if (!window) return;
    window.addEventListener('focus', () => this.store.looked());
    window.addEventListener('storage', (event) => {
      const { key, newValue } = /** @type {StorageEvent} */ (event);
      this.store.storageChanged(key, newValue);
    });
  }

  /** Finds out what there is: a server to set up, to sign in to, or one where I am signed in. */
  async start() {
    const info = await this.#askServer();
    this.store.info = info;
    if (info.setup) this.store.setPhase('setup');
    else if (!info.signed_in) this.store.setPhase('signin');
    else this.#socket.start();
  }

  stop() {
    this.#relocation.end();
    this.#socket.stop();
  }

  retryNow() {
    this.#socket.retry();
  }

  /** Signed in: on to the first snapshot. */
  begin() {
    this.store.setPhase('loading');
    this.#socket.start();
  }

  /** Lets go of the connection, without being signed out. */
  suspend() {
    this.#socket.stop();
  }

  resume() {
    this.#socket.start();
  }

  /** Nobody is signed in here any more. */
  async leave() {
    this.stop();
    this.store.clear();
    this.store.setPhase('signin');
    this.store.info = await this.#askServer();
    this.store.change(() => this.store.touch('server'));
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>} the reply
   * @throws {CommandError}
   */
  async call(command, fields = {}) {
    try {
      return await this.#send(command, fields);
    } catch (error) {
      if (!(error instanceof CommandError) || !error.wantsPassword) throw error;
      this.#confirming ??= this.confirm().finally(() => (this.#confirming = null));
      if (!(await this.#confirming)) throw new CommandError('aborted');
      return this.#send(command, fields);
    }
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} fields
   * @returns {Promise<any>}
   */
  #send(command, fields) {
    const live = this.#session.ready && !overHttp(command);
    return live ? this.#session.call(command, fields) : this.#api.call(command, fields);
  }

  /**
   * The same for what only reads: it waits where the server asks for it.
   *
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>}
   */
  async read(command, fields = {}) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.call(command, fields);
      } catch (error) {
        if (!(error instanceof CommandError) || error.lost || !error.temporary || tries === 4) throw error;
        await pause(this.#clock, error.wait);
      }
    }
  }

  /**
   * For what nobody waits for.
   *
   * @param {string} command
   * @param {Record<string, unknown>} fields
   */
  tell(command, fields) {
    if (this.#session.ready) this.#session.call(command, fields).catch(ignoreRefusal);
  }

  get online() {
    return this.#session.ready;
  }

  /** @param {() => void} run each time a snapshot has arrived */
  onReady(run) {
    return this.#session.on('ready', run);
  }

  #ready() {
    this.store.setPhase('ready');
    if (this.#away) this.tell('away', { away: true });
  }

  /** @param {boolean} isAway */
  #setAway(isAway) {
    if (isAway === this.#away) return;
    this.#away = isAway;
    this.tell('away', { away: isAway });
  }

  /** @returns {Promise<boolean>} */
  async #isSignedIn() {
    try {
      await this.#api.call('ping');
      return true;
    } catch (error) {
      return !(error instanceof CommandError && error.code === 'signed_out');
    }
  }

  /** @returns {Promise<import('./protocol/types.js').PublicInfo>} */
  async #askServer() {
    const backoff = new Backoff(this.#random);
    for (;;) {
      try {
        return await this.#api.call('server.info');
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        const wait = Math.max(backoff.next(1), error.retryIn ? error.wait : 0);
        this.store.setConnection({ state: 'waiting', retryAt: this.#clock.now() + wait });
        await pause(this.#clock, wait);
      }
    }
  }

  #connectionChanged() {
    const { state, retryAt } = this.#socket.status;
    const { since, moved } = this.store.connection;
    if (state === 'signed_out') void this.leave();
    if (state === 'online' || state === 'signed_out') this.#relocation.end();
    else if (since === null) this.#relocation.begin();
    const away = state === 'online' ? { since: null, moved: null } : { since: since ?? this.#clock.now(), moved };
    this.store.setConnection({ state, retryAt, ...away });
  }
}

/** @param {unknown} error */
function ignoreRefusal(error) {
  if (!(error instanceof CommandError)) throw error;
}
