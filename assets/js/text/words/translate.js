const plurals = new Intl.PluralRules('en');

/** @typedef {{one: string, other: string}} Plural chosen by the parameter `n` */

/**
 * @template {Record<string, string | Plural>} C
 * @param {C} catalogue
 * @returns {(key: keyof C & string, params?: Record<string, string | number>) => string} gives the words of a key
 */
export function translator(catalogue) {
  return (key, params = {}) => {
    /** @type {string | Plural} */
    const entry = catalogue[key];
    const text = typeof entry === 'string' ? entry : entry[plurals.select(Number(params.n)) === 'one' ? 'one' : 'other'];
    return text.replace(/\{(\w+)\}/g, (whole, name) => String(params[name] ?? whole));
  };
}
