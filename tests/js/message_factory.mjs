/**
 * A message with what every message has.
 *
 * @param {Partial<import('../../assets/js/protocol/types.js').Message> & {seq: number}} fields
 * @returns {import('../../assets/js/protocol/types.js').Message}
 */
export function message({ seq, ...more }) {
  return { room: 1, seq, rev: seq, user: 2, text: `text ${seq}`, at: 1_700_000_000_000 + seq * 1000, ...more };
}
