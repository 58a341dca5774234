const EVERY = 20_000;
const ANSWER = 10_000;
const CHECK = 4_000;

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
  #limit = ANSWER;

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
    this.#cancelNext = this.#clock.after(EVERY, () => this.#beat(ANSWER));
  }

  stop() {
    this.#round++;
    this.#cancelNext?.();
    this.#cancelLimit?.();
    this.#cancelNext = this.#cancelLimit = null;
  }

  /** Ask now: somebody came back to the page, and its timers may have slept. */
  check() {
    if (this.#cancelNext || this.#cancelLimit) this.#beat(CHECK);
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
