/** The room: header, timeline, typing line and composer, kept in step with the store. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { confirmDialog, openDialog, openMenu, toast } from "../../lib/overlay.js";
import { label } from "../../text/names.js";
import { explain, t } from "../../text/words/index.js";
import { presenceDot, roomIcon, roomTitle } from "../parts.js";
import { Composer } from "./composer.js";
import { Panel } from "./panel.js";
import { createReading } from "./reading.js";
import { Timeline } from "./timeline.js";

export { createNotifications } from "../notify.js";
export { createAnnouncer } from "./reading.js";

/**
 * @typedef {import("../../model/room.js").Room} Room
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../app.js").App} App
 */

/** The room view of an app, so that its panel can point at messages. @type {WeakMap<App, RoomView>} */
const views = new WeakMap();

/** @param {App} app */
export function createRoomView(app) {
  const view = new RoomView(app);
  views.set(app, view);
  return view;
}

/** @param {App} app */
export function createPanel(app) {
  return new Panel(app, {
    openHit: (room, seq) => {
      const here = app.store.open?.room === room;
      if (app.isPhone()) app.go({ room, seq, panel: undefined });
      else app.go(here ? { room, seq } : { room, seq, panel: app.place.panel });
      if (here) views.get(app)?.jump(seq);
    },
    closed: (kind) => views.get(app)?.focusTool(kind),
  });
}

class RoomView {
  /** @param {App} app */
  constructor(app) {
    this.app = app;
    this.room = 0;
    /** @type {number | undefined} */
    this.seq = undefined;
    this.composer = new Composer(app, { posted: () => void this.timeline.toLatest(), aimed: () => this.timeline.mark(this.composer.aim) });
    this.timeline = new Timeline(app, { reply: (message) => this.composer.reply(message), edit: (message) => this.composer.edit(message) }, () => this.read());
    this.read = createReading(app, this.timeline);
    /** What the header shows now. */
    this.drawn = "";
    this.header = h("header", { class: "room-header" });
    this.typing = h("div", { class: "typing-line truncate" });
    const foot = h("div", { class: "room-foot" }, this.typing, this.composer.element);
    this.element = h("section", { class: "room" }, this.header, this.timeline.element, foot);
    this.composer.takeDrops(this.element);
    this.follow();
  }

  follow() {
    const { store } = this.app;
    const here = (/** @type {() => void} */ draw) => (/** @type {Set<number>} */ ids) => {
      if (this.room && ids.has(this.room)) draw();
    };
    const always = (/** @type {() => void} */ draw) => () => {
      if (this.room) draw();
    };
    store.on("timeline", here(() => this.timeline.draw()));
    store.on("outbox", here(() => this.timeline.draw()));
    store.on("rooms", here(() => this.timeline.drawPill()));
    store.on("room", here(() => (this.drawHeader(), this.composer.draw())));
    store.on("server", always(() => this.composer.measure())); // an admin may have changed the limit
    store.on("typing", here(() => this.drawTyping()));
    store.on("open", always(() => this.timeline.draw()));
    store.on("connection", always(() => this.timeline.draw()));
    store.on("people", always(() => (this.timeline.draw(), this.drawHeader())));
    store.on("presence", always(() => this.drawHeader()));
    this.app.onPlace(() => this.drawPressed());
  }

  /**
   * Show a room; the same one again only goes to another message.
   * @param {number} room
   * @param {{seq?: number}} [place]
   */
  show(room, { seq } = {}) {
    if (room === this.room) {
      if (seq && seq !== this.seq) this.jump(seq);
      this.seq = seq;
      return;
    }
    this.room = room;
    this.seq = seq;
    this.app.store.preferences.lastRoom = room;
    void this.timeline.show(room, seq);
    this.composer.show(room);
    this.drawHeader();
    this.drawTyping();
    const busy = document.querySelector("dialog[open]") || document.activeElement?.closest(".panel");
    if (!busy && !matchMedia("(pointer: coarse)").matches) this.composer.focus();
  }

  hide() {
    if (!this.room) return;
    this.room = 0;
    this.seq = undefined;
    this.composer.hide();
    this.timeline.clear(0);
    this.app.actions.rooms.close();
  }

  /** @param {number} seq */
  jump(seq) {
    void this.timeline.jump(seq);
  }

  /** The focus back to the button that opened a panel. @param {string} kind */
  focusTool(kind) {
    (kind === "search" ? this.searchButton : this.peopleButton)?.focus({ preventScroll: true });
  }

  drawTyping() {
    const { people, typing } = this.app.store;
    const [a, b, ...more] = typing.of(this.room).map((user) => label(people.get(user)));
    const words = more.length ? t("typing.many") : b ? t("typing.two", { a, b }) : a ? t("typing.one", { a }) : "";
    if (this.typing.textContent !== words) this.typing.textContent = words;
  }

  drawHeader() {
    const { app } = this;
    const room = app.store.rooms.get(this.room);
    if (!room) return;
    const title = roomTitle(app, room);
    const other = room.kind === "direct" && room.users.length === 2 ? room.others(app.store.me?.id ?? 0)[0] : undefined;
    const drawn = [room.kind, title, room.topic, room.count, room.archived, room.role, other && app.store.people.state(other), other && app.store.people.get(other).status].join("\n");
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.element.setAttribute("aria-label", title);
    this.timeline.list.setAttribute("aria-label", t("timeline.label", { room: title }));
    const status = other ? app.store.people.get(other).status : "";
    const topic = room.topic || status || "";
    replace(
      this.header,
      iconButton({ icon: "back", label: t("do.back"), class: "back phone-only", onclick: () => app.toList() }),
      h(
        "div",
        { class: "room-heading" },
        h("h2", { class: "room-title" }, other ? presenceDot(app.store.people.state(other)) : roomIcon(room), h("bdi", { class: "truncate" }, title)),
        status ? h("span", { class: "room-status truncate phone-only", dir: "auto" }, status) : null,
      ),
      topic ? h("button", { type: "button", class: "room-topic truncate desk-only", dir: "auto", title: topic, onclick: () => this.openTopic(room) }, topic) : null,
      this.tools(room),
    );
    this.drawPressed();
  }

  /** @param {Room} room */
  tools(room) {
    const { app } = this;
    const open = (/** @type {string} */ kind) => () => (app.place.panel?.kind === kind ? app.closePanel() : app.openPanel({ kind }));
    const count = room.kind === "direct" ? room.users.length : room.count;
    this.searchButton = h("button", { type: "button", class: "room-count", "aria-label": t("search.title"), onclick: open("search") }, icon("search"), h("span", { class: "desk-only" }, t("search.title")));
    const people = t("room.members", { n: count });
    this.peopleButton = h("button", { type: "button", class: "room-count", "aria-label": people, title: people, onclick: open("members") }, icon("people"), count);
    const more = iconButton({ icon: "more", label: t("room.menu"), onclick: (event) => this.openMenu(room, /** @type {Element} */ (event.currentTarget)) });
    more.setAttribute("aria-haspopup", "menu");
    const alone = room.kind === "direct" && room.users.length <= 2;
    return h("div", { class: "room-tools" }, this.searchButton, alone ? null : this.peopleButton, more);
  }

  drawPressed() {
    const kind = this.app.place.panel?.kind;
    this.searchButton?.setAttribute("aria-expanded", String(kind === "search"));
    this.peopleButton?.setAttribute("aria-expanded", String(kind === "members"));
  }

  /** @param {Room} room */
  openTopic(room) {
    openDialog({ title: t("room.topic"), class: "dialog-small", body: h("p", { dir: "auto", class: "room-topic-full" }, this.header.querySelector(".room-topic")?.textContent ?? room.topic) });
  }

  /** @param {Room} room @param {Element} anchor */
  openMenu(room, anchor) {
    const { app } = this;
    const direct = room.kind === "direct";
    openMenu(
      anchor,
      [
        direct ? null : { label: t("room.settings"), icon: "gear", onclick: () => app.openRoomSettings(room.id) },
        direct || room.archived ? null : { label: t("room.invite"), icon: "user-plus", onclick: () => app.addPeople(room.id) },
        direct ? { label: t("sidebar.hide"), icon: "eye-off", onclick: () => void this.leave(app.actions.rooms.hide(room.id)) } : null,
        direct || room.general ? null : "line",
        direct || room.general ? null : { label: t("room.leave"), icon: "exit", danger: true, onclick: () => void this.confirmLeave(room) },
      ],
      { align: "end", label: t("room.menu") },
    );
  }

  /** @param {Room} room */
  async confirmLeave(room) {
    const title = t("room.leave_confirm", { room: `#${roomTitle(this.app, room)}` });
    const text = room.kind === "private" ? t("room.leave_private") : t("room.leave_public");
    if (await confirmDialog({ title, text, action: t("do.leave"), danger: true })) await this.leave(this.app.actions.rooms.leave(room.id));
  }

  /** @param {Promise<unknown>} done */
  async leave(done) {
    try {
      await done;
      this.app.go({});
    } catch (error) {
      toast(explain(error), { kind: "error" });
    }
  }
}
