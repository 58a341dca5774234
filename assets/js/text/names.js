/** @typedef {import('../protocol/types.js').Person} Person */

const COLOURS = 12;
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/**
 * @param {string} text
 * @returns {string[]} what a person would call its characters
 */
export function graphemesOf(text) {
  return Array.from(segmenter.segment(text), (one) => one.segment);
}

/**
 * @param {Person} person
 * @returns {string} what others see
 */
export function label(person) {
  return person.full_name || person.name;
}

/**
 * @param {string} text a person's label
 * @returns {string} one or two letters for an avatar
 */
export function initials(text) {
  const words = text.split(/[\s._-]+/u).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return chosen.map((word) => graphemesOf(word)[0]).join('').toLocaleUpperCase() || '?';
}

/**
 * @param {number} user
 * @returns {number} 0 to 11; neighbouring ids, who joined together, get colours far apart
 */
export function colourIndex(user) {
  return (user * 5) % COLOURS;
}
