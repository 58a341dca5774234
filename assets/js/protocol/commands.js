/**
 * The commands of the server that this client uses, by their names on the wire. Those of the list go over HTTP:
 * nobody is signed in yet, they set or clear the cookie, or they carry a password.
 */
const OVER_HTTP = new Set([
  'server.info', 'setup.complete', 'session.create', 'session.end', 'user.register', 'user.password', 'link.check',
  'password.reset', 'token.create',
]);

/** @param {string} name */
export function overHttp(name) {
  return OVER_HTTP.has(name);
}

/**
 * A command's fields without those that were left out: the server refuses what it does not know, `null` included.
 *
 * @param {Record<string, unknown>} fields
 * @returns {Record<string, unknown>}
 */
export function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

/**
 * @param {number} id
 * @param {string} name
 * @param {Record<string, unknown>} fields
 * @returns {string} the frame
 */
export function commandFrame(id, name, fields) {
  return JSON.stringify({ id, do: name, ...given(fields) });
}
