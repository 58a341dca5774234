/**
 * Frames, as they are read and written. Of what the server sends, an event, frame or field that is not known, or not of
 * its type, is ignored: a newer server may send more than this client understands.
 *
 * @typedef {import('./types.js').ServerEventAny} ServerEventAny
 * @typedef {import('./types.js').HelloReply} HelloReply
 * @typedef {import('./types.js').WireError} WireError
 * @typedef {{re: number, ok?: any, error?: WireError}} Reply
 */

/**
 * @param {string} text a frame
 * @returns {{reply: Reply} | {event: ServerEventAny} | null}
 */
export function readFrame(text) {
  const frame = parse(text);
  if (!isObject(frame)) return null;
  if (isCount(frame.re)) return { reply: { re: frame.re, ok: frame.ok, error: readError(frame.error) } };
  const event = readEvent(frame);
  return event && { event };
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {any} error
 * @returns {WireError | undefined}
 */
export function readError(error) {
  if (!isObject(error)) return undefined;
  const { code, message, field, retry_in: retryIn } = error;
  return {
    code: typeof code === 'string' ? code : 'unknown',
    message: typeof message === 'string' ? message : '',
    ...(typeof field === 'string' && { field }),
    ...(typeof retryIn === 'number' && { retry_in: retryIn }),
  };
}

/** @type {Record<string, (frame: any) => ServerEventAny | null>} */
const readers = {
  messages: (e) =>
    isCount(e.room) && isCount(e.after) && isCount(e.head)
      ? { ev: 'messages', room: e.room, after: e.after, head: e.head, messages: messages(e.messages), members: members(e.members) }
      : null,
  room: (e) => (isObject(e.room) && isCount(e.room.id) ? { ev: 'room', room: e.room, mine: count(e.mine) } : null),
  'room.gone': (e) => (isCount(e.room) ? { ev: 'room.gone', room: e.room, mine: count(e.mine) } : null),
  read: (e) =>
    isCount(e.room) && isCount(e.read)
      ? { ev: 'read', room: e.room, read: e.read, unread: e.unread ?? 0, mentions: e.mentions ?? 0, head: count(e.head), mine: count(e.mine) }
      : null,
  people: (e) =>
    isCount(e.people_rev) ? { ev: 'people', after: e.after ?? 0, people_rev: e.people_rev, people: withId(e.people) } : null,
  presence: (e) => ({ ev: 'presence', online: ids(e.online), away: ids(e.away), offline: ids(e.offline) }),
  typing: (e) => (isCount(e.room) && isCount(e.user) ? { ev: 'typing', room: e.room, user: e.user } : null),
  server: (e) => ({ ev: 'server', server: isObject(e.server) ? e.server : {}, ...(e.join && { join: e.join }), ...(isObject(e.limits) && { limits: e.limits }) }),
  notices: (e) => ({ ev: 'notices', notices: notices(e.notices) }),
  addresses: (e) => (Array.isArray(e.addresses) ? { ev: 'addresses', addresses: e.addresses.filter((/** @type {unknown} */ each) => typeof each === 'string') } : null),
  me: (e) => (isObject(e.me) && isCount(e.me.id) ? { ev: 'me', me: e.me, mine: count(e.mine) } : null),
};

/**
 * @param {any} frame
 * @returns {ServerEventAny | null}
 */
export function readEvent(frame) {
  const known = typeof frame.ev === 'string' && Object.hasOwn(readers, frame.ev);
  return known ? readers[frame.ev](frame) : null;
}

/**
 * @param {any} reply the `ok` of `hello`
 * @returns {HelloReply}
 */
export function readHello(reply) {
  return {
    ...reply,
    session: reply.session ?? { id: 0 },
    limits: { text_bytes: 16_384, file_bytes: 25 * 2 ** 20, frame_bytes: 65_536, ...reply.limits },
    join: reply.join ?? 'closed',
    assets: reply.assets ?? '',
    mine: reply.mine ?? 0,
    people_rev: reply.people_rev ?? 0,
    people: withId(reply.people),
    online: ids(reply.online),
    away: ids(reply.away),
    rooms: withId(reply.rooms),
    notices: notices(reply.notices),
    changes: isObject(reply.changes) ? reply.changes : {},
  };
}

/**
 * @param {any} list
 * @returns {import('./types.js').Message[]}
 */
export function messages(list) {
  if (!Array.isArray(list)) return [];
  return list.filter((m) => isObject(m) && isCount(m.room) && isCount(m.seq) && isCount(m.rev) && typeof m.text === 'string');
}

/** @param {any} list @returns {import('./types.js').MemberChange[]} */
function members(list) {
  return Array.isArray(list) ? list.filter((m) => isObject(m) && isCount(m.user)) : [];
}

/** @param {any} list @returns {import('./types.js').Notice[]} */
function notices(list) {
  return Array.isArray(list) ? list.filter((one) => isObject(one) && typeof one.kind === 'string') : [];
}

/** @param {any} list @returns {any[]} */
function withId(list) {
  return Array.isArray(list) ? list.filter((one) => isObject(one) && isCount(one.id)) : [];
}

/** @param {any} list @returns {number[]} */
function ids(list) {
  return Array.isArray(list) ? list.filter(isCount) : [];
}

/** @param {any} value @returns {value is number} */
function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

/** @param {any} value @returns {number | undefined} */
function count(value) {
  return isCount(value) ? value : undefined;
}

/** @param {any} value @returns {value is Record<string, any>} */
function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The commands of the server that this client uses, by their names on the wire. Those of the list go over HTTP:
 * nobody is signed in yet, they set or clear the cookie, or they carry a password.
 */
const OVER_HTTP = new Set([
  'server.info', 'setup.complete', 'session.create', 'session.end', 'user.register', 'user.password', 'link.check',
  'password.reset', 'token.create', 'session.move', 'session.take', 'session.confirm',
  'admin.logo', 'admin.firewall', 'service.set', 'account.delete',
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
