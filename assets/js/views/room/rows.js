/** The timeline's rows and other decisions of the room view that need no DOM. */

import { dayKey, sameGroup } from "../../text/dates.js";

/**
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../../protocol/types.js").Person} Person
 * @typedef {import("../../model/outbox.js").Pending} Pending
 * @typedef {"" | "sending" | "waiting" | "offline" | "failed"} State how far a message is; "" when stored
 * @typedef {{kind: "message", key: string, message: Message, author: Person, head: boolean, state: State, pending: Pending | null,
 *   quoted?: Message}} MessageRow `head`: begins a group, so it is drawn with avatar, name and time; `quoted`: what it answers
 * @typedef {{kind: "day", key: string, at: number} | {kind: "new", key: string} | MessageRow} Row
 */

const MARKS = /(\p{M}{5})\p{M}+/gu;

/** As many messages as are drawn at most, and as many as are added at a time. */
const MOST = 300;
const PAGE = 80;

/** Longer than this many characters, or lines, a message is folded. */
const LONG_TEXT = 3000;
const LONG_LINES = 30;

/** The largest picture in the timeline, in px. */
const WIDEST = 360;
const HIGHEST = 320;

/**
 * A message's name in the list: the same while it waits and after it is stored.
 * @param {Message} message
 */
export function keyOf(message) {
  return message.nonce ? `n${message.user}:${message.nonce}` : `m${message.seq}`;
}

/**
 * Rows for messages in their order, with day lines, the New line and groups.
 * @param {readonly Message[]} messages
 * @param {readonly Pending[]} pending own ones that are not stored yet
 * @param {{me: number, online: boolean, older: boolean, line: number | null, author: (user: number) => Person,
 *   quoted: (seq: number) => Message | undefined}} options `line`: the seq that reading stopped at, null for
 *   no line; `older`: there are messages above these, so the line may belong among them
 * @returns {Row[]}
 */
export function rowsOf(messages, pending, { me, online, older, line, author, quoted }) {
  /** @type {Row[]} */
  const rows = [];
  /** @type {Message | null} the first message of the group */
  let first = null;
  let day = "";
  let marked = line === null || (older && messages.length > 0 && messages[0].seq > line + 1);
  const stored = new Set(pending.length ? messages.map((message) => message.nonce) : []);
  const waiting = pending.filter((one) => !stored.has(one.nonce));
  for (const { message, own } of [...messages.map(asStored), ...waiting.map((one) => asMessage(one, me))]) {
    const its = dayKey(message.at);
    if (its !== day) {
      rows.push({ kind: "day", key: `day${its}`, at: message.at });
      day = its;
      first = null;
    }
    if (!marked && line !== null && !own && message.seq > line) {
      marked = true;
      rows.push({ kind: "new", key: "new" });
      first = null;
    }
    const head = !first || !sameGroup(first, message);
    if (head) first = message;
    const state = own ? stateOf(own, online) : "";
    rows.push({ kind: "message", key: keyOf(message), message, author: author(message.user), head, state, pending: own, quoted: message.reply_to ? quoted(message.reply_to) : undefined });
  }
  return rows;
}

/** @param {Message} message @returns {{message: Message, own: Pending | null}} */
function asStored(message) {
  return { message, own: null };
}

/** @param {Pending} own @param {number} me @returns {{message: Message, own: Pending | null}} */
function asMessage(own, me) {
  const { room, nonce, text, at, files, replyTo } = own;
  return { own, message: { room, seq: 0, rev: 0, user: me, nonce, text, at, files, reply_to: replyTo } };
}

/** @param {Pending} own @param {boolean} online @returns {State} */
function stateOf(own, online) {
  if (own.state === "sent") return "";
  if (own.state === "waiting") return online ? "waiting" : "offline";
  return own.state;
}

/**
 * Whether two rows of one key look the same.
 * @param {MessageRow} a
 * @param {MessageRow} b
 */
export function sameRow(a, b) {
  if (a.head !== b.head || a.state !== b.state || a.author !== b.author || a.quoted !== b.quoted) return false;
  if (a.message === b.message) return true;
  return Boolean(a.pending && b.pending) && a.message.text === b.message.text && a.pending?.error === b.pending?.error;
}

/**
 * The messages of a window that are drawn: never more than fit into `MOST`, and always without a hole.
 * It names its ends by `seq`, so that whatever is loaded around it changes nothing.
 */
export class Slice {
  low = 0;
  high = Infinity;

  /**
   * @param {readonly Message[]} messages ascending by seq
   * @returns {{drawn: readonly Message[], older: boolean, newer: boolean}} with whether the window holds more on either side
   */
  of(messages) {
    const { from, to } = this.bounds(messages);
    return { drawn: messages.slice(from, to), older: from > 0, newer: to < messages.length };
  }

  /** The indexes of the first drawn and of the one after the last. @param {readonly Message[]} messages */
  bounds(messages) {
    const from = messages.findIndex(({ seq }) => seq >= this.low);
    const end = messages.findIndex(({ seq }) => seq > this.high);
    return { from: from < 0 ? messages.length : from, to: end < 0 ? messages.length : end };
  }

  /**
   * Draw this stretch of indexes, or what of it there is. One that reaches the end goes on growing with it.
   * @param {readonly Message[]} messages
   * @param {number} from
   * @param {number} to after the last
   */
  set(messages, from, to) {
    this.low = from > 0 ? messages[from].seq : 0;
    this.high = to < messages.length ? messages[to - 1].seq : Infinity;
  }

  /** Around a message, or the end. @param {readonly Message[]} messages @param {number | null} seq */
  around(messages, seq) {
    const found = seq === null ? -1 : messages.findIndex((message) => message.seq >= seq);
    const middle = found < 0 ? messages.length : found;
    this.set(messages, Math.max(0, middle - PAGE), Math.min(messages.length, middle + PAGE));
  }

  /** More above, less below. @param {readonly Message[]} messages */
  up(messages) {
    const { from, to } = this.bounds(messages);
    const first = Math.max(0, from - PAGE);
    this.set(messages, first, Math.min(to, first + MOST));
  }

  /** More below, less above. @param {readonly Message[]} messages */
  down(messages) {
    const { from, to } = this.bounds(messages);
    const end = Math.min(messages.length, to + PAGE);
    this.set(messages, Math.max(from, end - MOST), end);
  }

  /**
   * After messages arrived: no more than `MOST`, and what is read stays in.
   * @param {readonly Message[]} messages
   * @param {number} seen a seq on screen
   */
  fit(messages, seen) {
    const { from, to } = this.bounds(messages);
    if (to - from <= MOST) return;
    const at = messages.findIndex(({ seq }) => seq >= seen);
    const middle = at < 0 ? messages.length : at;
    const first = Math.max(from, Math.min(middle - MOST / 2, to - MOST));
    this.set(messages, first, Math.min(to, first + MOST));
  }
}

/** Piles of combining marks cut to five, which every living script fits in. @param {string} text */
export function clipMarks(text) {
  return text.replace(MARKS, "$1");
}

/** Whether a message is folded behind "Show more". @param {string} text */
export function isLong(text) {
  return text.length > LONG_TEXT || text.split("\n", LONG_LINES + 2).length > LONG_LINES;
}

/**
 * Pieces of a text, those that a search found marked.
 * @param {string} text
 * @param {string} query words and "phrases"
 * @returns {{text: string, hit: boolean}[]}
 */
export function highlights(text, query) {
  const wanted = [...query.matchAll(/"([^"]+)"|[^\s"]+/g)].map(([all, phrase]) => phrase ?? all);
  if (!wanted.length) return [{ text, hit: false }];
  const longestFirst = wanted.sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+"));
  const found = new RegExp(`((?<![\\p{L}\\p{N}])(?:${escaped.join("|")}))`, "giu");
  return text.split(found).flatMap((piece, at) => (piece ? [{ text: piece, hit: at % 2 === 1 }] : []));
}

/**
 * The part of a long text around the first word that a search found.
 * @param {string} text
 * @param {string} query
 * @param {number} length in characters
 */
export function excerpt(text, query, length) {
  const flat = text.replace(/\s+/g, " ").trim();
  if (flat.length <= length) return flat;
  const pieces = highlights(flat, query);
  const before = pieces.length > 1 && !pieces[0].hit ? pieces[0].text.length : 0;
  const from = Math.min(Math.max(0, before - Math.floor(length / 4)), flat.length - length);
  return `${from > 0 ? "…" : ""}${flat.slice(from, from + length)}${from + length < flat.length ? "…" : ""}`;
}

/** What size a bitmap is drawn at, in px. @param {{width?: number, height?: number}} file */
export function fitted({ width = WIDEST, height = 240 }) {
  const scale = Math.min(1, WIDEST / width, HIGHEST / height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Whether a person may delete a message: its author, and those who keep the room in order.
 * @param {Message} message
 * @param {{role: string, kind: string}} room with my role in it
 * @param {{id: number, role: string}} me
 */
export function mayDelete(message, room, me) {
  if (message.user === me.id) return true;
  return room.kind !== "direct" && (me.role === "admin" || room.role === "owner" || room.role === "moderator");
}
