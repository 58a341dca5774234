import { t } from './words/index.js';

/** @typedef {import('../protocol/types.js').Message} Message */

const DAY = 86_400_000;
const GROUP = 5 * 60_000;

const language = 'en-GB';
const timeFormat = new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit' });
const fullFormat = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' });
const dayFormat = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' });
const oldDayFormat = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });

/**
 * @param {number} ms
 * @returns {string} the local day as YYYY-MM-DD
 */
export function dayKey(ms) {
  const date = new Date(ms);
  const two = (/** @type {number} */ n) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/**
 * @param {number} ms
 * @param {number} now
 */
export function dayHeading(ms, now) {
  if (dayKey(ms) === dayKey(now)) return t('date.today');
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  if (dayKey(ms) === dayKey(yesterday.getTime())) return t('date.yesterday');
  const sameYear = new Date(ms).getFullYear() === new Date(now).getFullYear();
  return (sameYear ? dayFormat : oldDayFormat).format(ms).replace(',', '');
}

/** @param {number} ms */
export function time(ms) {
  return timeFormat.format(ms);
}

/** @param {number} ms */
export function fullDate(ms) {
  return fullFormat.format(ms);
}

/**
 * @param {number} ms
 * @param {number} now
 */
export function relative(ms, now) {
  const minutes = Math.floor((now - ms) / 60_000);
  if (minutes < 1) return t('date.just_now');
  if (minutes < 60) return t('date.minutes', { n: minutes });
  if (minutes < 24 * 60) return t('date.hours', { n: Math.floor(minutes / 60) });
  const days = Math.floor((now - ms) / DAY);
  return days < 30 ? t('date.days', { n: days }) : dayHeading(ms, now);
}

/**
 * Whether the second message stands under the first without a heading of its own.
 *
 * @param {Message} a
 * @param {Message} b
 */
export function sameGroup(a, b) {
  return a.user === b.user && b.at - a.at < GROUP && dayKey(a.at) === dayKey(b.at) && !b.reply_to && !a.deleted && !b.deleted;
}
