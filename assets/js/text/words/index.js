import { chat } from './en/chat.js';
import { common } from './en/common.js';
import { people } from './en/people.js';
import { translator } from './translate.js';

const catalogue = { ...common, ...chat, ...people };

/** @typedef {keyof typeof catalogue} Key */

export const t = translator(catalogue);

/**
 * What an error means to a person: by its code, else by the server's own sentence.
 * Where the sentence tells more than the code does (which name, which limit), the server's is taken.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function explain(error) {
  const { code = 'unknown', message = '', retryIn } = /** @type {Partial<import('../../protocol/errors.js').CommandError>} */ (error ?? {});
  const key = `error.${code}`;
  if (code === 'rate_limited' && retryIn) return t('error.rate_limited_for', { n: Math.ceil(retryIn) });
  if (message && !WORDED_HERE.has(code)) return message;
  return t(/** @type {Key} */ (key in common ? key : 'error.unknown'));
}

/** Codes that always mean the same, so that the server's sentence adds nothing. */
const WORDED_HERE = new Set(['offline', 'timeout', 'aborted', 'signed_out', 'rate_limited', 'busy', 'restarting', 'unavailable', 'storage_full', 'nonce_reused', 'unknown', 'internal']);
