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

/**
 * One Tab stop for a whole list: arrows, Home and End move among its items, and Tab goes on from there into the
 * item's own links and buttons (ARIA Authoring Practices, roving tabindex).
 */
export class Roving {
  /**
   * @param {HTMLElement} list
   * @param {string} selector of an item
   * @param {{reach: (item: Element, reachable: boolean) => void, open: (item: HTMLElement) => void}} options
   *   `reach` makes the controls inside an item Tab stops or not; `open` is for Enter and the menu key
   */
  constructor(list, selector, { reach, open }) {
    this.list = list;
    this.selector = selector;
    this.reach = reach;
    this.open = open;
    /** @type {HTMLElement | null} the item that Tab goes to */
    this.stop = null;
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("focusin", (event) => this.focused(this.itemOf(event.target)));
    list.addEventListener("focusout", (event) => this.left(this.itemOf(event.target)));
  }

  get items() {
    return /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(`:scope > ${this.selector}`)]);
  }

  /** @param {EventTarget | null} target */
  itemOf(target) {
    return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest(this.selector)) : null;
  }

  /** After the list changed: where the stop went with its item, the last one takes it. */
  update() {
    const last = this.list.lastElementChild;
    if (this.stop?.isConnected && (this.stop.contains(document.activeElement) || this.stop === last)) return;
    const items = this.items;
    if (items.length) this.set(items[items.length - 1]);
  }

  /** @param {HTMLElement} item */
  set(item) {
    if (this.stop === item) return;
    this.stop?.setAttribute("tabindex", "-1");
    item.setAttribute("tabindex", "0");
    this.stop = item;
  }

  /** @param {HTMLElement | null} item */
  focused(item) {
    if (!item) return;
    this.set(item);
    this.reach(item, true);
  }

  /** @param {HTMLElement | null} item */
  left(item) {
    setTimeout(() => {
      if (item && !item.contains(document.activeElement)) this.reach(item, false);
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const item = this.itemOf(event.target);
    if (!item || event.target !== item || event.altKey || event.ctrlKey || event.metaKey) return;
    const items = this.items;
    const at = items.indexOf(item);
    /** @type {Record<string, number>} */
    const ways = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: items.length - 1 };
    if (event.key in ways) items[ways[event.key]]?.focus();
    else if (event.key === "Enter" || event.key === "ContextMenu") this.open(item);
    else return;
    event.preventDefault();
  }
}
