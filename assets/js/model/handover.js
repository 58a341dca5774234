import { shelf } from '../lib/storage.js';

/** In UTF-16 units; the server takes a little more. */
const LONGEST = 250_000;

/** Of one tab of one address. */
const NOT_CARRIED = new Set(['lease']);

/**
 * What this device keeps for one person on one server: drafts, what waits to be sent, preferences. Browsers give each
 * address a storage of its own, so that it has to be carried from HTTP to HTTPS.
 *
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 * @returns {string | null} null where it is too much to be carried
 */
export function pack(storage, server, user) {
  const own = ownShelf(storage, server, user);
  const keys = own.keys().filter((key) => !NOT_CARRIED.has(key));
  const text = JSON.stringify(Object.fromEntries(keys.map((key) => [key, own.get(key) ?? ''])));
  return text.length > LONGEST ? null : text;
}

/**
 * Puts it where nothing is: what was written at this address meanwhile is not lost either.
 *
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 * @param {string} text
 */
export function unpack(storage, server, user, text) {
  const own = ownShelf(storage, server, user);
  for (const [key, value] of entries(text)) {
    if (typeof value === 'string' && !NOT_CARRIED.has(key) && own.get(key) === null) own.set(key, value);
  }
}

/**
 * @param {Storage | null} storage
 * @param {string} server
 * @param {number} user
 */
function ownShelf(storage, server, user) {
  return shelf(storage, `chatbox.${server}.${user}.`);
}

/** @param {string} text @returns {[string, unknown][]} */
function entries(text) {
  try {
    const kept = JSON.parse(text);
    return typeof kept === 'object' && !Array.isArray(kept) ? Object.entries(kept ?? {}) : [];
  } catch {
    return [];
  }
}
