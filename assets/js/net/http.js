import { browserClock } from '../lib/time.js';
import { CommandError } from '../protocol/errors.js';
import { given, readError } from '../protocol/frames.js';

/** @typedef {import('../protocol/types.js').FileInfo} FileInfo */

const PATIENCE = 30_000;
/** Where a person at the server has to agree to something first. @type {Record<string, number>} */
const PATIENCE_FOR = { 'admin.firewall': 150_000 };
const PATIENCE_ELSEWHERE = 3_000;

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
    const cancel = this.#clock.after(PATIENCE_FOR[command] ?? PATIENCE, () => abort.abort());
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

/**
 * Sends a file to the server. XMLHttpRequest, because `fetch` tells no progress of what it sends.
 *
 * @typedef {object} PostOptions
 * @property {string} [base]
 * @property {Record<string, string>} [headers]
 * @property {(fraction: number) => void} [onprogress] from 0 to 1
 * @property {() => XMLHttpRequest} [factory]
 *
 * @param {Blob} file
 * @param {string} path
 * @param {PostOptions} [options]
 * @returns {{promise: Promise<any>, abort: () => void}} gives the reply; rejects with a CommandError
 */
export function post(file, path, { base = '', headers = {}, onprogress, factory = () => new XMLHttpRequest() } = {}) {
  const request = factory();
  request.open('POST', `${base}${path}`);
  request.setRequestHeader('Content-Type', 'application/octet-stream');
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.responseType = 'json';
  const promise = new Promise((resolve, reject) => {
    request.onload = () => {
      if (request.status === 200 && request.response) resolve(request.response);
      else reject(refusal(request.status, request.response));
    };
    request.onerror = () => reject(new CommandError('offline'));
    request.onabort = () => reject(new CommandError('aborted'));
  });
  request.upload.onprogress = ({ loaded, total }) => onprogress?.(total ? Math.min(1, loaded / total) : 0);
  request.send(file);
  return { promise, abort: () => request.abort() };
}

/**
 * Uploads a file for a message.
 *
 * @param {Blob} file
 * @param {string} name
 * @param {PostOptions} [options]
 * @returns {{promise: Promise<FileInfo>, abort: () => void}} rejects with a CommandError
 */
export function upload(file, name, options) {
  return post(file, `/files?name=${encodeURIComponent(name)}`, options);
}

/**
 * Asks for something that the browser is to save.
 *
 * @param {string} path
 * @param {Record<string, unknown>} fields
 * @param {object} [options]
 * @param {string} [options.base]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @returns {Promise<Blob>}
 * @throws {CommandError}
 */
export async function getFile(path, fields, { base = '', fetch = globalThis.fetch } = {}) {
  const options = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(fields) };
  const response = await fetch(`${base}${path}`, options).catch(() => {
    throw new CommandError('offline');
  });
  if (response.ok) return response.blob();
  throw refusal(response.status, await response.json().catch(() => null));
}

/**
 * At which of its other addresses a server answers, after the one in use went quiet: the machine may have got a new one.
 * Whoever answers there must be the same server. Where the one in use answers again it was only restarted.
 *
 * @param {string[]} addresses
 * @param {string} own the address in use
 * @param {string} server its id
 * @param {object} [options]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {import('../lib/time.js').Clock} [options.clock]
 * @returns {Promise<string | null>} without a slash at its end
 */
export async function findAddress(addresses, own, server, options = {}) {
  const each = [own, ...addresses.map((address) => address.replace(/\/+$/, ''))];
  const answers = await Promise.all(each.map((address) => isTrusted(address, server, options)));
  const found = each.find((_, i) => answers[i]);
  return found === undefined || found === own ? null : found;
}

/**
 * @typedef {object} About what the page for a new device is told
 * @property {string} id
 * @property {string} name
 * @property {boolean} encrypts
 * @property {string} address of the page itself, as any device reaches it
 * @property {{name: string, fingerprint: string, thumbprint: string}} [authority]
 * @property {{id: number, name: string}} [me]
 */

/**
 * @param {typeof globalThis.fetch} [fetch]
 * @returns {Promise<About | null>} null where nobody answers
 */
export async function askAbout(fetch = globalThis.fetch) {
  try {
    const answer = await fetch('/trust/about', { cache: 'no-store' });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/**
 * The same server over HTTPS, which answers on the same port.
 *
 * @param {{hostname: string, port: string}} location
 * @returns {string} an origin
 */
export function secureOrigin({ hostname, port }) {
  return `https://${hostname}:${port || '80'}`;
}

/**
 * Whether this server answers at an address, and over HTTPS whether this device trusts it. Only then is it led there.
 *
 * @param {string} origin
 * @param {string} server its id
 * @param {object} [options]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {import('../lib/time.js').Clock} [options.clock]
 * @returns {Promise<boolean>}
 */
export async function isTrusted(origin, server, { fetch = globalThis.fetch, clock = browserClock } = {}) {
  const abort = new AbortController();
  const cancel = clock.after(PATIENCE_ELSEWHERE, () => abort.abort());
  try {
    const answer = await fetch(`${origin}/trust/ping`, { credentials: 'omit', cache: 'no-store', signal: abort.signal });
    return (await answer.json()).id === server;
  } catch {
    return false;
  } finally {
    cancel();
  }
}
