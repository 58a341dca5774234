/** A list whose elements live as long as their items: they keep focus, scroll and selection. */

/**
 * @template T
 * @param {Element} container
 * @param {{key: (item: T) => string | number, create: (item: T) => Element,
 *   update?: (element: Element, item: T) => void}} options
 */
export function keyed(container, { key, create, update }) {
  /** @type {Map<string | number, Element>} */
  let elements = new Map();

  return {
    /** @param {readonly T[]} items */
    set(items) {
      /** @type {Map<string | number, Element>} */
      const next = new Map();
      for (const item of items) {
        const id = key(item);
        const kept = elements.get(id);
        if (kept) update?.(kept, item);
        next.set(id, kept ?? create(item));
      }
      for (const [id, element] of elements) if (next.get(id) !== element) element.remove();
      place(container, [...next.values()]);
      elements = next;
    },
    /** @param {string | number} id @returns {Element | undefined} */
    element: (id) => elements.get(id),
    clear() {
      for (const element of elements.values()) element.remove();
      elements = new Map();
    },
  };
}

/**
 * Moves only what stands in the wrong place: a moved element loses its focus and its scroll.
 * @param {Element} container
 * @param {Element[]} wanted
 */
function place(container, wanted) {
  const places = new Map([...container.children].map((child, index) => [child, index]));
  const still = longestRising(wanted.map((element) => places.get(element) ?? -1));
  let after = /** @type {Element | null} */ (null);
  for (let at = wanted.length - 1; at >= 0; at -= 1) {
    const element = /** @type {Element} */ (wanted[at]);
    if (!still.has(at)) container.insertBefore(element, after);
    after = element;
  }
}

/**
 * The positions in `numbers` of a longest rising run of those that are not negative (patience sorting).
 * @param {number[]} numbers
 * @returns {Set<number>}
 */
function longestRising(numbers) {
  /** @type {number[]} */ const tails = [];
  /** @type {number[]} */ const before = [];
  numbers.forEach((number, at) => {
    if (number < 0) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (/** @type {number} */ (numbers[/** @type {number} */ (tails[middle])]) < number) low = middle + 1;
      else high = middle;
    }
    before[at] = low > 0 ? /** @type {number} */ (tails[low - 1]) : -1;
    tails[low] = at;
  });
  const found = new Set();
  let at = tails.at(-1) ?? -1;
  while (at >= 0) {
    found.add(at);
    at = before[at] ?? -1;
  }
  return found;
}
