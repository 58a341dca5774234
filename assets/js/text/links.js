/** @typedef {import('../protocol/types.js').FileInfo} FileInfo */

const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
const UNITS = ['B', 'KB', 'MB', 'GB'];

/**
 * What an address of this chat carries behind its `#`: secrets of one-time links, or a place to open.
 *
 * @param {string} hash with or without the #
 * @returns {{invite?: string, password?: string, setup?: string, move?: string, kept?: string, room?: number, seq?: number}}
 */
export function parseFragment(hash) {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  const number = (/** @type {string} */ name) => {
    const text = fields.get(name) ?? '';
    return /^[1-9]\d{0,15}$/.test(text) ? Number(text) : undefined;
  };
  return {
    invite: fields.get('invite') || undefined,
    password: fields.get('password') || undefined,
    setup: fields.get('setup') || undefined,
    move: fields.get('move') || undefined,
    kept: fields.get('kept') || undefined,
    room: number('room'),
    seq: number('seq'),
  };
}

/**
 * @param {string} address one that others reach the server by, never this page's own
 * @param {number} room
 * @param {number} seq
 */
export function permalink(address, room, seq) {
  return `${address.replace(/\/+$/, '')}/${placeFragment(room, seq)}`;
}

/**
 * @param {number} room
 * @param {number} seq
 */
export function placeFragment(room, seq) {
  return `#room=${room}&seq=${seq}`;
}

/**
 * The place a link leads to, where it leads to this server, by HTTP or HTTPS: such links open in place.
 *
 * @param {string} href
 * @param {string[]} addresses
 * @returns {{room: number, seq?: number} | null}
 */
export function ownLink(href, addresses) {
  if (!URL.canParse(href)) return null;
  const url = new URL(href);
  const web = url.protocol === 'http:' || url.protocol === 'https:';
  const own = web && addresses.some((address) => URL.canParse(address) && new URL(address).host === url.host);
  const { room, seq } = parseFragment(url.hash);
  return own && url.pathname === '/' && room ? { room, seq } : null;
}

/** @param {FileInfo} file */
export function fileUrl(file) {
  return `/files/${file.id}/${encodeURIComponent(file.name)}`;
}

/** Whether the server lets it be shown within the page. @param {FileInfo} file */
export function isImage(file) {
  return IMAGES.has(file.type);
}

/**
 * A size in steps of 1024, which is what the limits of the server are set in.
 *
 * @param {number} bytes
 * @returns {string} as people read it: "812 B", "1.4 MB"
 */
export function fileSize(bytes) {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`;
}
