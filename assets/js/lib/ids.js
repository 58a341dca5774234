const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-';

/**
 * A random id of letters that a nonce may have. `getRandomValues` works on plain HTTP, `randomUUID` does not.
 *
 * @param {number} [length] 22 letters are 132 bit
 */
export function nonce(length = 22) {
  const bytes = crypto.getRandomValues(new Uint8Array(length));
  return Array.from(bytes, (byte) => LETTERS[byte & 63]).join('');
}
