/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {{read: number, unread: number, mentions: number}} Counts
 */

/**
 * What new posts do to a read position and its counts, as the server counts: an own post reads everything before it, a
 * deletion does not subtract.
 *
 * @param {Counts} counts before
 * @param {Message[]} posts not counted yet
 * @param {number} me
 * @returns {Counts}
 */
export function countPosts(counts, posts, me) {
  let { read, unread, mentions } = counts;
  for (const post of [...posts].sort((a, b) => a.seq - b.seq)) {
    if (post.user === me) {
      read = Math.max(read, post.seq);
      unread = mentions = 0;
    } else {
      unread += 1;
      if (post.mentions?.includes(me)) mentions += 1;
    }
  }
  return { read, unread, mentions };
}

/**
 * Whether a post's state of now may hide whether it mentioned me when it was posted: then only the server knows the count.
 *
 * @param {Message} post
 */
export function isUnsure(post) {
  return post.rev !== post.seq && Boolean(post.edited || post.deleted);
}
