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

/**
 * @param {string} text
 * @returns {string} for comparing: without case, accents and compatibility forms
 */
export function fold(text) {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/**
 * How well a name fits what was typed: 0 is the whole name, then its beginning, the beginning of a later word, anywhere
 * within, all letters in order; Infinity is not at all.
 *
 * @param {string} name folded
 * @param {string} typed folded
 */
function distance(name, typed) {
  if (name === typed) return 0;
  if (name.startsWith(typed)) return 1;
  if (name.split(/[\s._-]+/u).some((word) => word.startsWith(typed))) return 2;
  if (name.includes(typed)) return 3;
  return hasInOrder(name, typed) ? 4 : Infinity;
}

/**
 * @param {string} name
 * @param {string} typed
 */
function hasInOrder(name, typed) {
  let at = 0;
  for (const letter of typed) {
    at = name.indexOf(letter, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

/**
 * @template T
 * @param {Iterable<T>} items in the order wanted among equals
 * @param {string} typed
 * @param {(item: T) => string | string[]} namesOf
 * @param {{limit?: number}} [options]
 * @returns {T[]} those that fit, best first
 */
export function rankNames(items, typed, namesOf, { limit = 20 } = {}) {
  const wanted = fold(typed.trim());
  const scored = Array.from(items, (item) => {
    const names = [namesOf(item)].flat();
    return { item, score: Math.min(...names.map((name) => distance(fold(name), wanted))) };
  });
  const fitting = scored.filter(({ score }) => score < Infinity).sort((a, b) => a.score - b.score);
  return fitting.slice(0, limit).map(({ item }) => item);
}

/**
 * @param {Iterable<Person>} people
 * @param {string} typed
 * @param {{limit?: number}} [options]
 */
export function rankPeople(people, typed, { limit = 8 } = {}) {
  return rankNames(people, typed, (person) => [person.name, label(person)], { limit });
}

/**
 * The @word that is being typed before the caret.
 *
 * @param {string} text
 * @param {number} caret
 * @returns {{start: number, typed: string} | null} `start` is the place of the @
 */
export function mentionAt(text, caret) {
  const found = /(?:^|[\s([{"'*_~>])@([\p{L}\p{N}\p{M}._-]{0,40})$/u.exec(text.slice(0, caret));
  return found ? { start: caret - found[1].length - 1, typed: found[1] } : null;
}

/**
 * Puts a name where an @word is being typed.
 *
 * @param {string} text
 * @param {number} caret
 * @param {string} name
 * @returns {{text: string, caret: number}}
 */
export function complete(text, caret, name) {
  const start = mentionAt(text, caret)?.start ?? caret;
  const rest = text.slice(caret);
  const before = `${text.slice(0, start)}@${name}${/^\s/u.test(rest) ? '' : ' '}`;
  return { text: before + rest, caret: before.length };
}
