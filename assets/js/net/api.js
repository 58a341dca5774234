import { given, readError } from '../protocol/frames.js';
import { CommandError } from '../protocol/errors.js';
import { browserClock } from '../lib/time.js';

const PATIENCE = 30_000;

/** Commands over HTTP: before there is a connection, and where a cookie is set. */
export class Api {
  #base;
  #fetch;
  #clock;
  #headers;

  /**
   * @param {object} [options]
   * @param {string} [options.base] '' is the page's own server
   * @param {typeof globalThis.fetch} [options.fetch]
   * @param {import('../lib/time.js').Clock} [options.clock]
   * @param {Record<string, string>} [options.headers]
   */
  constructor({ base = '', fetch = (...args) => globalThis.fetch(...args), clock = browserClock, headers = {} } = {}) {
    this.#base = base;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#headers = headers;
  }

  /**
   * @param {string} command
   * @param {Record<string, unknown>} [fields]
   * @returns {Promise<any>} the reply
   * @throws {CommandError}
   */
  async call(command, fields = {}) {
    const abort = new AbortController();
    const cancel = this.#clock.after(PATIENCE, () => abort.abort());
    try {
      const response = await this.#fetch(`${this.#base}/api/${command}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...this.#headers },
        body: JSON.stringify(given(fields)),
        signal: abort.signal,
      });
      return await read(response);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(abort.signal.aborted ? 'timeout' : 'offline');
    } finally {
      cancel();
    }
  }
}

/** @param {Response} response */
async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw refusal(response.status, body);
}

/**
 * @param {number} status
 * @param {any} body
 * @returns {CommandError}
 */
export function refusal(status, body) {
  const error = readError(body?.error);
  if (error) return CommandError.from(error);
  return new CommandError(STATUS[status] ?? 'unknown');
}

/** For answers that did not come from Chatbox itself: a proxy's. @type {Record<number, string>} */
const STATUS = { 401: 'signed_out', 403: 'forbidden', 404: 'not_found', 413: 'too_large', 429: 'rate_limited', 502: 'offline', 503: 'unavailable', 504: 'offline' };
