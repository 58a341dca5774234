import { graphemesOf } from './names.js';

/**
 * @typedef {import('../protocol/types.js').Message} Message
 * @typedef {import('../protocol/types.js').Block} Block
 * @typedef {import('../protocol/types.js').Inline} Inline
 */

const encoder = new TextEncoder();
/** One grapheme that is an emoji: a picture, a flag, or a keycap. Digits and © in their text form are none. */
const EMOJI_SIGN = /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}(?:\uFE0F|\p{Emoji_Modifier}|\u200D)|\p{Regional_Indicator}{2}|[0-9#*]\uFE0F?\u20E3)/u;

/**
 * The blocks to draw: the server's, or, where a text has no markup, paragraphs with its line breaks.
 *
 * @param {{text: string, parts?: Block[]}} message
 * @returns {Block[]}
 */
export function partsOf({ text, parts }) {
  if (parts?.length) return parts;
  const paragraphs = text.split(/\n{2,}/).filter((paragraph) => paragraph.trim());
  return paragraphs.map((paragraph) => ({ t: 'p', c: lines(paragraph) }));
}

/**
 * @param {string} paragraph
 * @returns {Inline[]}
 */
function lines(paragraph) {
  return paragraph.split('\n').flatMap((line, i) => /** @type {Inline[]} */ (i ? [{ t: 'br' }, line] : [line]));
}

/**
 * What a message says without its form: for notifications, announcements, quotes.
 *
 * @param {{text: string, parts?: Block[]}} message
 */
export function plainText(message) {
  return partsOf(message).map(blockText).join('\n');
}

/**
 * @param {Block} block
 * @returns {string}
 */
function blockText(block) {
  switch (block.t) {
    case 'p': return inlineText(block.c);
    case 'pre': return block.text;
    case 'quote': return block.c.map(blockText).join('\n');
    case 'ul':
    case 'ol': return block.c.map((item) => item.map(blockText).join('\n')).join('\n');
    default: return '';
  }
}

/**
 * @param {Inline[]} inlines
 * @returns {string}
 */
function inlineText(inlines) {
  return inlines.map((inline) => {
    if (typeof inline === 'string') return inline;
    if (inline.t === 'br') return '\n';
    if (inline.t === 'code' || inline.t === 'mention') return inline.text;
    return 'c' in inline ? inlineText(inline.c) : '';
  }).join('');
}

/**
 * One to three emoji and nothing else: such a message is drawn large.
 *
 * @param {{text: string, files?: unknown[]}} message
 */
export function emojiOnly({ text, files }) {
  if (text.length > 120 || files?.length) return false;
  const signs = graphemesOf(text).filter((sign) => sign.trim());
  return signs.length >= 1 && signs.length <= 3 && signs.every((sign) => EMOJI_SIGN.test(sign));
}

/** @param {string} text @returns {number} in UTF-8, as the server's limit counts */
export function bytes(text) {
  return encoder.encode(text).length;
}

/**
 * How many more characters fit: as many as have the size of those that are there. Below zero, how many must go from the end.
 *
 * @param {string} text
 * @param {number} limit in bytes, as the server counts
 */
export function charactersLeft(text, limit) {
  const signs = graphemesOf(text);
  let left = limit - bytes(text);
  if (left >= 0) return Math.floor((left * signs.length) / Math.max(bytes(text), 1));
  let gone = 0;
  for (; left < 0; gone++) left += bytes(signs[signs.length - 1 - gone]);
  return -gone;
}
