import { CommandError } from '../protocol/errors.js';

/**
 * @typedef {{nonce: string, room: number, text: string, replyTo?: number, files?: {id: string}[]}} Draft
 *
 * Where drafts wait.
 * @typedef {object} Waiting
 * @property {() => Draft[]} ready
 * @property {(nonce: string) => void} sending
 * @property {(nonce: string) => void} waiting
 * @property {(nonce: string, rev: number) => void} sent
 * @property {(nonce: string, error: CommandError) => void} failed
 * @property {() => void} rewind
 */

const IN_FLIGHT = 4;

/**
 * Sends what waits, in order: in a room one after the other, so that a refusal for the moment cannot turn two around.
 * A nonce makes it harmless to send again what may have arrived.
 */
export class Sender {
  #session;
  #drafts;
  #clock;
  #inFlight = 0;
  /** @type {(() => void) | null} */
  #cancelPause = null;

  /**
   * @param {object} options
   * @param {import('./session.js').Session} options.session
   * @param {Waiting} options.drafts
   * @param {import('../lib/time.js').Clock} options.clock
   */
  constructor({ session, drafts, clock }) {
    this.#session = session;
    this.#drafts = drafts;
    this.#clock = clock;
    session.on('ready', () => this.go());
    session.on('down', () => this.#down());
  }

  /** Something waits. */
  go() {
    if (!this.#session.ready || this.#cancelPause) return;
    for (const draft of this.#drafts.ready()) if (this.#inFlight < IN_FLIGHT) void this.#send(draft);
  }

  #down() {
    this.#cancelPause?.();
    this.#cancelPause = null;
    this.#drafts.rewind();
  }

  /** @param {Draft} draft */
  async #send({ nonce, room, text, replyTo, files }) {
    this.#inFlight++;
    this.#drafts.sending(nonce);
    try {
      const ids = files?.length ? files.map(({ id }) => id) : undefined;
      const { rev } = await this.#session.call('message.post', { room, nonce, text, reply_to: replyTo, files: ids });
      this.#drafts.sent(nonce, rev ?? 0);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#refused(nonce, error);
    } finally {
      this.#inFlight--;
    }
    this.go();
  }

  /**
   * @param {string} nonce
   * @param {CommandError} error
   */
  #refused(nonce, error) {
    if (!error.temporary && error.code !== 'signed_out') return this.#drafts.failed(nonce, error);
    this.#drafts.waiting(nonce);
    if (error.code === 'offline' || error.code === 'signed_out') return;
    this.#cancelPause ??= this.#clock.after(error.wait, () => {
      this.#cancelPause = null;
      this.go();
    });
  }
}
