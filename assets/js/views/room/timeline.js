/** The list of messages: what is drawn, where it is scrolled to, and when more is loaded. */

import { h, icon, replace } from "../../lib/dom.js";
import { keyed, Roving } from "../../lib/list.js";
import { ScrollAnchor } from "../../lib/scroll_anchor.js";
import { explain, t } from "../../text/words/index.js";
import { createMessage, createMessageBar, onLongPress, openMessageMenu, stops, updateMessage } from "./message.js";
import { dayWords, line, skeleton, start } from "./parts.js";
import { keyOf, rowsOf, Slice } from "./rows.js";

/**
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../app.js").App} App
 * @typedef {import("./rows.js").Row} Row
 * @typedef {import("./rows.js").MessageRow} MessageRow
 */

/** Nearer to an end than this, in px, the next page is asked for. */
const EARLY = 900;
/** Further from the bottom than this, in px, the way back is offered. */
const FAR = 200;
/** As much of a message must be on screen to count as read, in px. */
const LINE = 20;
/** How long a message that was jumped to stands out, in ms. */
const FLASH = 2400;
/** Nothing is shown for a wait shorter than this, in ms. */
const SKELETON = 200;

export class Timeline {
  /**
   * @param {App} app
   * @param {{reply: (message: Message) => void, edit: (message: Message) => void}} composer
   * @param {() => void} onread called when what is on screen may have changed
   */
  constructor(app, composer, onread) {
    this.app = app;
    this.onread = onread;
    this.room = 0;
    /** @type {Map<string, Row>} */
    this.rows = new Map();
    /** The first view was given. */
    this.placed = false;
    /** It could not be, for now. */
    this.failed = false;
    this.slice = new Slice();
    /** Whether what is drawn reaches the room's end. */
    this.atEnd = true;
    this.paging = false;
    this.list = h("ol", { class: "timeline-list", role: "list" });
    this.top = h("div", { class: "timeline-top" });
    this.body = h("div", { class: "timeline-body" }, this.top, this.list);
    this.scroller = h("div", { class: "timeline-scroll" }, this.body);
    this.pill = h("button", { type: "button", class: "timeline-pill", hidden: true, onclick: () => void this.toLatest() });
    this.element = h("div", { class: "timeline" }, this.scroller, this.pill);
    this.anchor = new ScrollAnchor(this.scroller, this.list, this.body, () => this.atEnd);
    this.items = this.keyedRows({ ...composer, jump: (seq) => void this.jump(seq), rowOf: (element) => this.rowAt(element.getAttribute("data-key")) });
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  /** @param {import("./message.js").Room} room */
  keyedRows(room) {
    createMessageBar(this.app, room, this.list);
    const menu = (/** @type {Element} */ element, /** @type {Element | {x: number, y: number}} */ at) => {
      const row = this.rowAt(element.getAttribute("data-key"));
      if (row) openMessageMenu(this.app, room, row, at);
    };
    onLongPress(this.list, menu);
    this.roving = new Roving(this.list, ".message", { reach: stops, open: (element) => menu(element, element) });
    return keyed(this.list, {
      key: (/** @type {Row} */ row) => row.key,
      create: (row) => (row.kind === "message" ? createMessage(this.app, room, row) : line(row)),
      update: (element, row) => {
        if (row.kind === "day") element.replaceChildren(dayWords(row.at));
        const before = this.rows.get(row.key);
        if (row.kind !== "message" || before?.kind !== "message") return;
        updateMessage(/** @type {HTMLElement} */ (element), this.app, room, row, before);
      },
    });
  }

  get model() {
    return this.app.store.rooms.get(this.room)?.timeline;
  }

  /**
   * Show a room: at a message, else at the New line, else at the bottom.
   * @param {number} room
   * @param {number} [seq]
   */
  async show(room, seq) {
    this.clear(room);
    const waiting = setTimeout(() => this.drawTop(true), SKELETON);
    try {
      const opened = this.app.actions.rooms.open(room, seq ? { at: seq } : {});
      if (!seq && this.holdsLine()) this.place();
      await opened;
      if (this.room === room && !this.placed) this.place(seq);
    } catch (error) {
      this.failed = this.room === room;
      if (this.failed) replace(this.top, h("p", { class: "timeline-note", role: "alert" }, explain(error)));
    } finally {
      clearTimeout(waiting);
    }
  }

  /** Whether what is held already reaches from where reading stopped on. */
  holdsLine() {
    const line = this.line();
    return this.model?.loaded && (line === null || this.model.start || (this.model.oldest ?? Infinity) <= line + 1);
  }

  /** The first view of a room. @param {number} [seq] */
  place(seq) {
    this.placed = true;
    this.failed = false;
    this.slice.around(this.model?.messages ?? [], seq ?? this.line());
    this.draw();
    const found = seq ? this.keyOf(seq) : this.firstNew();
    if (found) this.anchor.show(found, seq ? 0.3 : 0.18);
    else this.anchor.toBottom();
    if (seq && found) this.flash(found);
    this.scrolled();
  }

  /** Nothing of any room is shown. @param {number} next the room that will be, 0 for none */
  clear(next) {
    this.room = next;
    this.placed = this.failed = false;
    this.items.clear();
    this.rows.clear();
    this.anchor.reset();
    this.pill.hidden = true;
    this.top.dataset.shows = "";
    replace(this.top);
  }

  /** The seq after which the New line stands. */
  line() {
    const { open } = this.app.store;
    return open?.room === this.room ? open.line : null;
  }

  draw() {
    const { store } = this.app;
    const model = this.model;
    if (this.failed && model?.loaded) return this.place();
    if (!model || !store.me) return;
    const held = this.held(model);
    this.slice.fit(held, this.anchor.stuck ? Infinity : this.seen());
    const { drawn, older, newer } = this.slice.of(held);
    this.atEnd = !newer && !model.hasNewer;
    const rows = rowsOf(drawn, this.atEnd ? store.outbox.of(this.room) : [], {
      me: store.me.id,
      online: store.connection.state === "online",
      older: older || model.hasOlder || !model.loaded,
      line: this.line(),
      author: (user) => store.people.get(user),
      quoted: (seq) => model.get(seq),
    });
    this.anchor.keep(() => {
      this.items.set(rows);
      this.rows = new Map(rows.map((row) => [row.key, row]));
      if (this.placed) this.drawTop(false);
    });
    this.roving?.update();
    this.scrolled();
  }

  /**
   * What there is to draw: nothing before the first view, and what is drawn now where the messages had to be forgotten,
   * until they are back. Drafts go below either, so that nothing written seems lost.
   * @param {import("../../model/timeline.js").Timeline} model
   * @returns {readonly Message[]}
   */
  held(model) {
    if (!this.placed) return [];
    if (model.loaded || model.position === 0) return model.messages;
    return [...this.rows.values()].flatMap((row) => (row.kind === "message" && !row.pending ? [row.message] : []));
  }

  /** @param {string | null | undefined} key */
  rowAt(key) {
    const row = this.rows.get(key ?? "");
    return row?.kind === "message" ? row : undefined;
  }

  /** The seq of a message on screen. */
  seen() {
    return this.rowAt(this.anchor.anchors[0]?.key)?.message.seq || Infinity;
  }

  /** What stands above the oldest message. @param {boolean} waiting */
  drawTop(waiting) {
    const room = this.app.store.rooms.get(this.room);
    const model = room?.timeline;
    const known = model?.start || model?.position === 0 ? "start" : model?.loaded ? "older" : "";
    const wanted = waiting && !this.placed ? "skeleton" : known;
    if (this.top.dataset.shows === wanted) return;
    this.top.dataset.shows = wanted;
    if (wanted === "start" && room) replace(this.top, start(this.app, room));
    else if (wanted) replace(this.top, skeleton(wanted === "older" ? 2 : 6));
    else replace(this.top);
  }

  scrolled() {
    const model = this.model;
    if (!this.placed || !model?.loaded) return;
    const { older, newer } = this.slice.of(model.messages);
    if (this.scroller.scrollTop < EARLY && (older || model.hasOlder)) this.more("up", older);
    else if (this.anchor.below() < EARLY && (newer || model.hasNewer)) this.more("down", newer);
    this.drawPill();
    this.onread();
  }

  /** @param {"up" | "down"} way @param {boolean} held whether the window has them already */
  more(way, held) {
    if (this.paging) return;
    this.paging = true;
    void this.load(way, held).finally(() => (this.paging = false));
  }

  /** @param {"up" | "down"} way @param {boolean} held */
  async load(way, held) {
    const { messages } = this.app.actions;
    // Let the scroll that asked for it be painted first.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    if (held && this.model) {
      this.slice[way](this.model.messages);
      return this.draw();
    }
    if (this.app.store.connection.state !== "online") return;
    try {
      await (way === "up" ? messages.loadOlder(this.room) : messages.loadNewer(this.room));
    } catch {
      // Offline or refused: the next scroll, or the connection coming back, asks again.
    }
  }

  drawPill() {
    const room = this.app.store.rooms.get(this.room);
    const away = Boolean(room) && (this.anchor.below() > FAR || !this.atEnd);
    const n = room?.unread ?? 0;
    this.pill.hidden = !away;
    this.pill.classList.toggle("has-new", n > 0);
    const words = n > 0 ? t("timeline.more_new", { n }) : t("timeline.latest");
    if (this.pill.dataset.words === words) return;
    this.pill.dataset.words = words;
    replace(this.pill, icon("arrow-down"), words);
  }

  async toLatest() {
    if (this.model?.hasNewer) await this.app.actions.messages.toLatest(this.room).catch(() => {});
    this.slice.around(this.model?.messages ?? [], null);
    this.draw();
    this.anchor.toBottom();
    this.scrolled();
  }

  /** Bring a message on screen and flash it. @param {number} seq */
  async jump(seq) {
    const its = (/** @type {Message} */ message) => message.seq === seq;
    if (!this.model?.messages.some(its)) await this.app.actions.messages.loadAround(this.room, seq).catch(() => {});
    const messages = this.model?.messages ?? [];
    if (!messages.some(its)) return;
    if (!this.slice.of(messages).drawn.some(its)) this.slice.around(messages, seq);
    this.draw();
    const key = this.keyOf(seq);
    if (!key) return;
    this.anchor.show(key, 0.3);
    this.flash(key);
    this.scrolled();
  }

  /** @param {string} key */
  flash(key) {
    const marks = this.anchor.find(key)?.classList;
    marks?.remove("is-flashing");
    requestAnimationFrame(() => marks?.add("is-flashing"));
    setTimeout(() => marks?.remove("is-flashing"), FLASH);
  }

  /** The row of the message, or of the one that stands in its place. @param {number} seq */
  keyOf(seq) {
    for (const row of this.rows.values()) {
      if (row.kind === "message" && row.message.seq >= seq) return row.key;
    }
    return null;
  }

  /** The first message after the New line, unless all from there on fits on the screen. */
  firstNew() {
    const line = this.list.querySelector(".timeline-new");
    const first = /** @type {HTMLElement | null | undefined} */ (line?.nextElementSibling);
    if (!line || !first) return null;
    const rest = this.body.getBoundingClientRect().bottom - line.getBoundingClientRect().top;
    return rest > this.scroller.clientHeight ? (first.dataset.key ?? null) : null;
  }

  /** The seq of the newest message that is on screen, at least with its first line; 0 for none. */
  lastOnScreen() {
    if (!this.scroller.clientHeight || !this.placed) return 0;
    const bottom = this.scroller.getBoundingClientRect().bottom;
    const shown = this.anchor.onScreen().filter((item) => item.getBoundingClientRect().top + LINE <= bottom);
    const row = this.rowAt(shown.at(-1)?.dataset.key);
    return row ? row.message.seq || (this.model?.newest ?? 0) : 0;
  }

  /** Show which message is being edited. @param {{kind: string, message: Message} | null} aim */
  mark(aim) {
    this.list.querySelector(".is-edited-now")?.classList.remove("is-edited-now");
    if (aim) this.anchor.find(keyOf(aim.message))?.classList.add("is-edited-now");
  }
}
