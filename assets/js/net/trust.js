import { browserClock } from '../lib/time.js';

const PATIENCE = 3_000;

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
 * Whether this device trusts the server over HTTPS, and reaches it there. Only then is it led there.
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
  const cancel = clock.after(PATIENCE, () => abort.abort());
  try {
    const answer = await fetch(`${origin}/trust/ping`, { credentials: 'omit', cache: 'no-store', signal: abort.signal });
    return (await answer.json()).id === server;
  } catch {
    return false;
  } finally {
    cancel();
  }
}
