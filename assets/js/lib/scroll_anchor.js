/**
 * Keeps a scrolling list where the reader left it.
 *
 * At the bottom it sticks to the bottom. Anywhere else the first item that begins on screen keeps its
 * place to the pixel, whatever is added, removed or resized around it. The browser's own scroll
 * anchoring must be off (`overflow-anchor: none`): not every browser has it, and two would add up.
 *
 * Items are the children of `list` that carry `data-key`, which names an item across rebuilds. Children
 * without one (lines between days) may move among the items and are never held on to.
 */

/** Nearer to the bottom than this counts as the bottom, in px. */
const NEAR = 8;

/** @typedef {{key: string, offset: number}} Anchor offset: px from the scroller's top edge to the item's */

export class ScrollAnchor {
  /**
   * @param {HTMLElement} scroller
   * @param {HTMLElement} list
   * @param {HTMLElement} body what is scrolled: the list and whatever else is around it
   * @param {() => boolean} canStick whether the list's end is the true end (nothing newer to load)
   */
  constructor(scroller, list, body, canStick) {
    this.scroller = scroller;
    this.list = list;
    this.canStick = canStick;
    this.stuck = true;
    /** @type {Anchor[]} the items that began on screen, topmost first */
    this.anchors = [];
    this.top = 0;
    scroller.addEventListener("scroll", () => this.moved(), { passive: true });
    this.observer = new ResizeObserver(() => this.restore());
    this.observer.observe(scroller);
    this.observer.observe(body);
  }

  /** Px below the visible part. */
  below() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** After a scroll, by the reader or by us. Only going up lets go of the bottom: growth alone does not. */
  moved() {
    const top = this.scroller.scrollTop;
    const near = this.below() <= NEAR;
    if (near) this.stuck = this.canStick();
    else if (top < this.top - 1) this.stuck = false;
    this.top = top;
    this.note();
  }

  /** Remember what is on screen. Differences below one px are rounding, and keeping them would drift. */
  note() {
    if (!this.scroller.clientHeight) return;
    const view = this.scroller.getBoundingClientRect();
    const before = new Map(this.anchors.map(({ key, offset }) => [key, offset]));
    this.anchors = [];
    const items = this.onScreen();
    // The list's first item may change its height when older ones come: better to hold on to a later one.
    if (items.length > 1 && items[0] === this.list.querySelector(":scope > [data-key]")) items.shift();
    for (const item of items) {
      const key = item.dataset.key ?? "";
      const offset = item.getBoundingClientRect().top - view.top;
      const old = before.get(key);
      this.anchors.push({ key, offset: old !== undefined && Math.abs(old - offset) < 1 ? old : offset });
    }
  }

  /**
   * Change the list without moving what is read.
   * @param {() => void} change
   */
  keep(change) {
    // The browser tells of a scroll with the next frame; one that it has not told yet counts, too.
    this.moved();
    change();
    this.restore();
  }

  /** Put the screen back to the bottom, or to the first remembered item that is still there. */
  restore() {
    if (!this.scroller.clientHeight) return;
    if (this.stuck && this.canStick()) return this.scrollTo(this.scroller.scrollHeight);
    const edge = this.scroller.getBoundingClientRect().top;
    for (const { key, offset } of this.anchors) {
      const item = this.find(key);
      if (!item) continue;
      const moved = item.getBoundingClientRect().top - edge - offset;
      if (Math.abs(moved) >= 0.5) this.scrollTo(this.scroller.scrollTop + moved);
      return;
    }
  }

  /** Another list: at its bottom, until told otherwise. */
  reset() {
    this.stuck = true;
    this.anchors = [];
  }

  toBottom() {
    this.stuck = this.canStick();
    this.scrollTo(this.scroller.scrollHeight);
    this.note();
  }

  /**
   * Bring an item on screen, a part of the screen's height from the top, and stay there.
   * @param {string} key
   * @param {number} share 0 top, 1 bottom
   */
  show(key, share) {
    const item = this.find(key);
    if (!item) return false;
    const view = this.scroller.getBoundingClientRect();
    const box = item.getBoundingClientRect();
    const free = Math.max(0, view.height - box.height);
    this.scrollTo(this.scroller.scrollTop + box.top - view.top - free * share);
    this.stuck = this.below() <= NEAR && this.canStick();
    this.anchors = [];
    this.note();
    return true;
  }

  /** @param {number} top */
  scrollTo(top) {
    this.scroller.scrollTop = top;
    this.top = this.scroller.scrollTop;
  }

  /** @param {string} key @returns {HTMLElement | null} */
  find(key) {
    return this.list.querySelector(`:scope > [data-key="${CSS.escape(key)}"]`);
  }

  close() {
    this.observer.disconnect();
  }

  /** The items that begin on screen, topmost first; where none does, the one that covers it. @returns {HTMLElement[]} */
  onScreen() {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const items = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(":scope > [data-key]")]);
    const first = firstBelow(items, top);
    const found = [];
    for (let i = first; i < items.length; i += 1) {
      if (items[i].getBoundingClientRect().top >= bottom) break;
      found.push(items[i]);
    }
    if (!found.length && first > 0) found.push(items[first - 1]);
    return found;
  }
}

/**
 * The index of the first item whose top edge is at or below `edge`, by halving.
 * @param {HTMLElement[]} items
 * @param {number} edge
 */
function firstBelow(items, edge) {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].getBoundingClientRect().top < edge - 0.5) low = middle + 1;
    else high = middle;
  }
  return low;
}
