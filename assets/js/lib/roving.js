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
