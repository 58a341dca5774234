/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {{read: number, unread: number, mentions: number}} Counts
 * @typedef {{now: Message, before: Message | null}} Edit a new state of a post that was counted; `before` null: it is not known
 */

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
