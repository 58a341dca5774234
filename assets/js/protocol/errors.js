/** @typedef {import('./types.js').WireError} WireError */

/** The server's refusal of one command, or why there was no answer: `offline`, `timeout`, `aborted`. */
export class CommandError extends Error {
  /**
   * @param {string} code
   * @param {string} [message] the server's sentence for a person
   * @param {{field?: string, retryIn?: number}} [more] `retryIn` in seconds
   */
  constructor(code, message = '', more = {}) {
    super(message);
    this.name = 'CommandError';
    this.code = code;
    this.field = more.field;
    this.retryIn = more.retryIn;
  }

  /** @param {WireError} error */
  static from(error) {
    const { code, message, field, retry_in: retryIn } = error;
    return new CommandError(code, message, { field, retryIn });
  }

  /** Whether the connection failed and not the command: it may or may not have taken effect. */
  get lost() {
    return this.code === 'offline' || this.code === 'timeout' || this.code === 'aborted';
  }

  /** Whether the same command may succeed later, unchanged. Unknown codes are final unless `retry_in` is there. */
  get temporary() {
    return this.lost || this.retryIn !== undefined || TEMPORARY.has(this.code);
  }

  /** Whether it helps to give one's password once more, by `session.confirm`. */
  get wantsPassword() {
    return this.code === 'forbidden' && this.field === 'confirm';
  }

  /** Milliseconds to wait before the next try. */
  get wait() {
    return Math.max(0, this.retryIn ?? 1) * 1000;
  }
}

const TEMPORARY = new Set(['rate_limited', 'busy', 'unavailable', 'restarting']);

/** Why a connection was closed: the codes of the protocol, and what a client does about each. */
export const SIGNED_OUT = 4001;
export const TOO_SLOW = 4008;
export const OVERLOADED = 4009;
export const RESTARTING = 1012;
export const FRAME_TOO_BIG = 1009;

/** @param {number} code */
export function mayReturn(code) {
  return code !== SIGNED_OUT;
}

/**
 * How many tries a first wait counts for: a server that restarts or is overloaded must not be met by everyone at once.
 *
 * @param {number} code
 */
export function patience(code) {
  return { [RESTARTING]: 1, [TOO_SLOW]: 1, [OVERLOADED]: 3 }[code] ?? 0;
}
