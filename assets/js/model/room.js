import { Timeline } from './timeline.js';

/**
 * @typedef {import('../protocol/types.js').RoomInfo} RoomInfo
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {{read: number, unread: number, mentions: number}} Counts
 * @typedef {{now: Message, before: Message | null}} Edit a new state of a post that was counted; `before` null: it is not known
 */

/** A room of mine: its settings, my place in it, and its timeline. */
export class Room {
  timeline = new Timeline();
  /** Every change up to this number is in the counts. */
  counted = 0;

  /** @param {RoomInfo} info */
  constructor(info) {
    this.id = info.id;
    this.kind = info.kind;
    this.name = '';
    this.topic = '';
    this.at = 0;
    this.posts = 0;
    this.archived = 0;
    this.count = 0;
    /** @type {number[]} */
    this.users = [];
    this.general = false;
    /** @type {import('../protocol/types.js').RoomRole} */
    this.role = 'member';
    this.read = 0;
    this.unread = 0;
    this.mentions = 0;
    this.hidden = false;
    this.level = '';
    this.head = 0;
    this.merge({ member: true, ...info });
    this.timeline.position = this.head;
  }

  get position() {
    return this.timeline.position;
  }

  /** The latest post that I know of, or the position where I know none: nothing is posted above it. */
  get lastPost() {
    if (this.counted > this.position) return this.counted;
    return this.timeline.knowsEnd ? (this.timeline.last?.seq ?? this.position) : this.position;
  }

  /** An unread badge is filled: somebody wants me. */
  get badge() {
    return this.mentions > 0 || (this.kind === 'direct' && this.unread > 0);
  }

  /** @param {number} me */
  others(me) {
    return this.users.filter((user) => user !== me);
  }

  /**
   * Takes the fields given. The shared part comes whole, so what it lacks is none; the personal part may be missing.
   *
   * @param {RoomInfo} info
   */
  merge(info) {
    this.kind = info.kind ?? this.kind;
    this.name = info.name ?? '';
    this.topic = info.topic ?? '';
    this.at = Math.max(this.at, info.at ?? 0);
    this.posts = Math.max(this.posts, info.posts ?? 0);
    this.archived = info.archived ?? 0;
    this.count = info.count ?? info.users?.length ?? this.count;
    this.users = info.users ?? this.users;
    this.general = info.general ?? false;
    this.head = Math.max(this.head, info.head ?? 0);
    if (info.member === undefined) return; // the shared part only
    this.role = info.role ?? 'member';
    this.hidden = info.hidden ?? false;
    this.level = info.level ?? '';
    this.setCounts(info);
  }

  /**
   * The server's counts as of `head`.
   *
   * @param {{head?: number, read?: number, unread?: number, mentions?: number}} counts
   * @returns {boolean} false where they are older than what I have counted myself
   */
  setCounts({ head = this.counted, read = 0, unread = 0, mentions = 0 }) {
    if (head < this.counted) return false;
    this.counted = head;
    Object.assign(this, { read, unread, mentions });
    return true;
  }

  /**
   * Everything that changed in (`after`, `head`] has arrived.
   *
   * @param {number} after at or below the position
   * @param {number} head
   * @param {Message[]} messages
   * @param {number} me
   * @returns {{posts: Message[], sure: boolean}} the posts that had not been counted; whether the counts are right now
   */
  advance(after, head, messages, me) {
    const posts = messages.filter(({ seq }) => seq > this.counted);
    const edits = messages.filter(({ seq, rev }) => seq <= this.counted && rev > this.counted);
    const { sure, ...counts } = recount(this, posts, edits.map((now) => ({ now, before: this.#counted(now.seq) })), me);
    Object.assign(this, counts);
    this.counted = Math.max(this.counted, head);
    this.at = Math.max(this.at, ...posts.map(({ at }) => at));
    if (posts.length) this.hidden = false;
    this.timeline.merge(messages);
    this.timeline.know(after + 1, head);
    this.timeline.position = this.head = Math.max(head, this.position);
    return { posts, sure };
  }

  /** The state of a message that is in the counts, where it is held. @param {number} seq */
  #counted(seq) {
    const held = this.timeline.get(seq);
    return held && held.rev <= this.counted && this.counted <= this.position ? held : null;
  }

  /** Drop what is held of it and stand at a position. @param {number} position */
  forget(position) {
    this.timeline.clear();
    this.timeline.position = this.head = position;
  }
}

/**
 * What changes do to a read position and its counts, as the server counts: an own post reads everything before it, a
 * deleted post is unread still, and a mention counts while the post has it.
 *
 * @param {Counts} counts before
 * @param {Message[]} posts not counted yet
 * @param {Edit[]} edits
 * @param {number} me
 * @returns {Counts & {sure: boolean}} not sure: only the server can tell how many mentions are left
 */
export function recount(counts, posts, edits, me) {
  let { read, unread, mentions } = counts;
  for (const post of [...posts].sort((a, b) => a.seq - b.seq)) {
    if (post.user === me) {
      read = Math.max(read, post.seq);
      unread = mentions = 0;
    } else {
      unread += 1;
      mentions += names(post, me);
    }
  }
  let sure = true;
  for (const { now, before } of edits.filter((edit) => edit.now.seq > read)) {
    if (before) mentions += names(now, me) - names(before, me);
    else if (mentions > 0 || names(now, me)) sure = false;
  }
  return { read, unread, mentions, sure };
}

/**
 * @param {Message} message
 * @param {number} me
 */
function names(message, me) {
  return message.mentions?.includes(me) ? 1 : 0;
}

/**
 * Whether a new message is worth a sound: it mentions me or is direct, and I am not looking at it.
 *
 * @param {Message} message
 * @param {Room} room
 * @param {{me: number, open: number | null, focused: boolean}} at
 * @returns {'mention' | 'direct' | null}
 */
export function noticeOf(message, room, { me, open, focused }) {
  if (message.user === me || message.deleted || (focused && open === room.id)) return null;
  if (message.mentions?.includes(me)) return 'mention';
  return room.kind === 'direct' ? 'direct' : null;
}
