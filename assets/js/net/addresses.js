import { browserClock } from '../lib/time.js';

const PATIENCE = 3_000;

/**
 * Which of a server's other addresses answers, after the one in use went quiet: the machine may have got a new one.
 * The answer itself stays closed to a page of another origin; that there is one is enough to offer the way.
 *
 * @param {string[]} addresses
 * @param {string} own the address in use
 * @param {object} [options]
 * @param {typeof globalThis.fetch} [options.fetch]
 * @param {import('../lib/time.js').Clock} [options.clock]
 * @returns {Promise<string | null>}
 */
export async function findAddress(addresses, own, { fetch = globalThis.fetch, clock = browserClock } = {}) {
  const others = addresses.filter((address) => address.replace(/\/+$/, '') !== own);
  const answers = await Promise.all(others.map((address) => responds(address, fetch, clock)));
  return others.find((_, i) => answers[i]) ?? null;
}

/**
 * @param {string} address
 * @param {typeof globalThis.fetch} fetch
 * @param {import('../lib/time.js').Clock} clock
 * @returns {Promise<boolean>}
 */
async function responds(address, fetch, clock) {
  const abort = new AbortController();
  const cancel = clock.after(PATIENCE, () => abort.abort());
  const options = /** @type {const} */ ({ mode: 'no-cors', credentials: 'omit', cache: 'no-store', signal: abort.signal });
  const answer = fetch(`${address.replace(/\/+$/, '')}/healthz`, options).then(() => true, () => false);
  return answer.finally(cancel);
}
