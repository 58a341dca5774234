/** The list of messages: what is drawn, where it is scrolled to, and when more is loaded. */

import { h, icon, replace } from "../../lib/dom.js";
import { keyed } from "../../lib/keyed.js";
import { Roving } from "../../lib/roving.js";
import { ScrollAnchor } from "../../lib/scroll_anchor.js";
import { dayHeading } from "../../text/dates.js";
import { explain, t } from "../../text/words/index.js";
import { roomIcon, roomTitle } from "../parts.js";
import { createMessage, createMessageBar, onLongPress, openMessageMenu, stops, updateMessage } from "./message.js";
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
    this.placed = false;
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
    this.items = this.keyedRows({ ...composer, jump: (seq) => void this.jump(seq), rowOf: (element) => this.rowOf(element) });
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
  }

  /** @param {import("./message.js").Room} room */
  keyedRows(room) {
    createMessageBar(this.app, room, this.list);
    onLongPress(this.list, (element, at) => {
      const row = this.rowOf(element);
      if (row) openMessageMenu(this.app, room, row, at);
    });
    this.roving = new Roving(this.list, ".message", {
      reach: stops,
      open: (element) => {
        const row = this.rowOf(element);
        if (row) openMessageMenu(this.app, room, row, element);
      },
    });
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

  /** @param {Element} element */
  rowOf(element) {
    const row = this.rows.get(/** @type {HTMLElement} */ (element).dataset.key ?? "");
    return row?.kind === "message" ? row : undefined;
  }

  /**
   * Show a room: at a message, else at the New line, else at the bottom.
   * @param {number} room
   * @param {number} [seq]
   */
  async show(room, seq) {
    this.room = room;
    this.placed = false;
    this.items.clear();
    this.rows.clear();
    this.anchor.reset();
    this.pill.hidden = true;
    replace(this.top);
    const its = this.app.store.rooms.get(room);
    if (its) this.list.setAttribute("aria-label", t("timeline.label", { room: roomTitle(this.app, its) }));
    const waiting = setTimeout(() => this.drawTop(true), SKELETON);
    try {
      const opened = this.app.actions.rooms.open(room, seq ? { at: seq } : {});
      if (this.model?.loaded && !seq) this.place();
      await opened;
      if (this.room === room && !this.placed) this.place(seq);
    } catch (error) {
      if (this.room === room) replace(this.top, h("p", { class: "timeline-note" }, explain(error)));
    } finally {
      clearTimeout(waiting);
    }
  }

  /** The first view of a room. @param {number} [seq] */
  place(seq) {
    const messages = this.model?.messages ?? [];
    const line = this.line();
    this.placed = true;
    this.slice.around(messages, seq ?? line);
    this.draw();
    const found = seq ? this.keyOf(seq) : this.firstNew();
    if (found) this.anchor.show(found, seq ? 0.3 : 0.18);
    else this.anchor.toBottom();
    if (seq && found) this.flash(found);
    this.scrolled();
  }

  hide() {
    this.room = 0;
    this.items.clear();
    this.rows.clear();
    this.anchor.reset();
  }

  /** The seq after which the New line stands. */
  line() {
    const { open } = this.app.store;
    return open?.room === this.room ? open.line : null;
  }

  draw() {
    const { store } = this.app;
    const model = this.model;
    // A room whose messages had to be forgotten keeps what it shows until they are back; an empty one has none.
    if (!model || !this.placed || !store.me || (!model.loaded && model.position > 0)) return;
    this.slice.fit(model.messages, this.anchor.stuck ? Infinity : this.seen());
    const { drawn, older, newer } = this.slice.of(model.messages);
    this.atEnd = !newer && !model.hasNewer;
    const rows = rowsOf(drawn, this.atEnd ? store.outbox.of(this.room) : [], {
      me: store.me.id,
      online: store.connection.state === "online",
      older: older || model.hasOlder,
      line: this.line(),
      author: (user) => store.people.get(user),
      quoted: (seq) => model.get(seq),
    });
    this.anchor.keep(() => {
      this.items.set(rows);
      this.rows = new Map(rows.map((row) => [row.key, row]));
      this.drawTop(false);
    });
    this.roving?.update();
    this.scrolled();
  }

  /** The seq of a message on screen. */
  seen() {
    const row = this.rows.get(this.anchor.anchors[0]?.key ?? "");
    return row?.kind === "message" ? row.message.seq || Infinity : Infinity;
  }

  /** What stands above the oldest message. @param {boolean} waiting */
  drawTop(waiting) {
    const room = this.app.store.rooms.get(this.room);
    const model = room?.timeline;
    const wanted = waiting && !this.placed ? "skeleton" : model?.start || model?.position === 0 ? "start" : model?.loaded ? "older" : "";
    if (this.top.dataset.shows === `${wanted}${this.room}`) return;
    this.top.dataset.shows = `${wanted}${this.room}`;
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
    void this.fetch(way, held).finally(() => {
      this.paging = false;
    });
  }

  /** @param {"up" | "down"} way @param {boolean} held */
  async fetch(way, held) {
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
    const held = () => (this.model?.messages ?? []).some((message) => message.seq === seq);
    if (!held()) await this.app.actions.messages.loadAround(this.room, seq).catch(() => {});
    if (!held()) return;
    if (!this.slice.of(this.model?.messages ?? []).drawn.some((message) => message.seq === seq)) this.slice.around(this.model?.messages ?? [], seq);
    this.draw();
    const key = this.keyOf(seq);
    if (!key) return;
    this.anchor.show(key, 0.3);
    this.flash(key);
    this.scrolled();
  }

  /** @param {string} key */
  flash(key) {
    const element = this.anchor.find(key);
    if (!element) return;
    element.classList.remove("is-flashing");
    requestAnimationFrame(() => element.classList.add("is-flashing"));
    element.addEventListener("animationend", () => element.classList.remove("is-flashing"), { once: true });
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
    const first = line?.nextElementSibling;
    if (!(line instanceof HTMLElement) || !(first instanceof HTMLElement)) return null;
    const rest = this.body.getBoundingClientRect().bottom - line.getBoundingClientRect().top;
    return rest > this.scroller.clientHeight && first.dataset.key ? first.dataset.key : null;
  }

  /** The seq of the newest message that is on screen, at least with its first line; 0 for none. */
  lastOnScreen() {
    if (!this.scroller.clientHeight || !this.placed) return 0;
    const bottom = this.scroller.getBoundingClientRect().bottom;
    const shown = this.anchor.onScreen().filter((item) => item.getBoundingClientRect().top + LINE <= bottom);
    const row = shown.length ? this.rowOf(shown[shown.length - 1]) : undefined;
    if (row?.message.seq) return row.message.seq;
    return row ? (this.model?.newest ?? 0) : 0;
  }

  /** Show which message is being edited. @param {{kind: string, message: Message} | null} aim */
  mark(aim) {
    this.list.querySelector(".is-edited-now")?.classList.remove("is-edited-now");
    if (aim) this.anchor.find(keyOf(aim.message))?.classList.add("is-edited-now");
  }
}

/** @param {Row} row */
function line(row) {
  if (row.kind === "day") return h("li", { class: "timeline-line timeline-day" }, dayWords(row.at));
  return h("li", { class: "timeline-line timeline-new" }, h("span", null, t("timeline.new")));
}

/** @param {number} at */
function dayWords(at) {
  return h("span", null, dayHeading(at, Date.now()));
}

/** @param {App} app @param {import("../../model/room.js").Room} room */
function start(app, room) {
  const title = roomTitle(app, room);
  const direct = room.kind === "direct";
  return h(
    "div",
    { class: "room-start" },
    h("div", { class: "room-start-mark" }, roomIcon(room)),
    h("h3", { dir: "auto" }, direct ? title : `#${title}`),
    h("p", null, startWords(room, title)),
    room.topic ? h("p", { dir: "auto" }, room.topic) : null,
  );
}

/** @param {import("../../model/room.js").Room} room @param {string} title */
function startWords(room, title) {
  if (room.kind !== "direct") return t("room.start", { room: `#${title}` });
  return room.users.length < 2 ? t("room.start_self") : t("room.start_direct", { room: title });
}

/** @param {number} rows */
function skeleton(rows) {
  const bone = () => h("span", { class: "skeleton" });
  return h("div", { class: "timeline-skeleton", "aria-hidden": "true" }, Array.from({ length: rows }, () => h("div", null, bone(), bone(), bone())));
}
