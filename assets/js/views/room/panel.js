/** The panel beside a room: who is in it, or what a search found. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { keyed } from "../../lib/list.js";
import { confirmDialog, openMenu, toast } from "../../lib/overlay.js";
import { debounce } from "../../lib/time.js";
import { fullDate, relative } from "../../text/dates.js";
import { label } from "../../text/names.js";
import { plainText } from "../../text/parts.js";
import { explain, t } from "../../text/words/index.js";
import { avatar, emptyState, personName, roomTitle } from "../parts.js";
import { excerpt, highlights } from "./rows.js";

/**
 * @typedef {import("../../protocol/types.js").Member} Member
 * @typedef {import("../../protocol/types.js").Hit} Hit
 * @typedef {import("../../protocol/types.js").RoomRole} RoomRole
 * @typedef {import("../app.js").App} App
 * @typedef {{title: string, tools: HTMLElement | null, body: HTMLElement, shown?: () => void, draw: () => void, topics: string[]}} Content
 */

/** A hit shows as much of its text, in characters. */
const EXCERPT = 220;

export class Panel {
  /**
   * @param {App} app
   * @param {{openHit: (room: number, seq: number) => void, closed: (kind: string) => void}} room
   *   `closed`: the panel had the focus, which now belongs elsewhere
   */
  constructor(app, { openHit, closed }) {
    this.app = app;
    this.closed = closed;
    this.room = 0;
    this.kind = "";
    /** @type {Content | null} */
    this.content = null;
    /** @type {Record<string, (room: number) => Content>} */
    this.kinds = { members: (room) => members(app, room), search: (room) => search(app, room, openHit) };
    this.element = h("div", { class: "panel" });
    for (const topic of ["members", "presence", "people", "room"]) {
      app.store.on(topic, () => {
        if (this.content?.topics.includes(topic)) this.content.draw();
      });
    }
  }

  /**
   * @param {number} room
   * @param {{kind: string}} panel
   */
  show(room, { kind }) {
    if (this.room === room && this.kind === kind) return;
    const stays = this.kind === "search" && kind === "search";
    this.room = room;
    this.kind = kind;
    // What was found stays while one looks into other rooms.
    if (stays) return;
    const make = this.kinds[kind];
    this.content = make ? make(room) : null;
    if (!this.content) return;
    const { title, tools, body } = this.content;
    const close = iconButton({ icon: "close", label: t("do.close"), keys: "Esc", onclick: () => this.app.closePanel() });
    replace(this.element, h("header", { class: "panel-header" }, h("h2", { class: "truncate" }, title), close), tools ?? h("div", null), body);
    this.content.draw();
    this.content.shown?.();
  }

  hide() {
    const { kind } = this;
    const hadFocus = this.element.contains(document.activeElement);
    this.room = 0;
    this.kind = "";
    this.content = null;
    this.element.replaceChildren();
    if (hadFocus) this.closed(kind);
  }
}

/**
 * @param {App} app
 * @param {number} roomId
 * @returns {Content}
 */
function members(app, roomId) {
  const { store, actions } = app;
  const list = h("div");
  const body = h("div", { class: "panel-body" }, list);
  const room = store.rooms.get(roomId);
  const mayAdd = room && room.kind !== "direct" && !room.archived && !room.general;
  const add = h("button", { type: "button", class: "button", onclick: () => app.addPeople(roomId) }, icon("user-plus"), t("room.invite"));
  const rows = keyed(list, {
    key: (/** @type {Member | string} */ item) => (typeof item === "string" ? item : item.user),
    create: (item) => (typeof item === "string" ? h("h3", { class: "panel-group" }, item) : memberRow(app, roomId, item)),
    update: (element, item) => {
      if (typeof item !== "string") fillMember(/** @type {HTMLElement} */ (element), app, item);
    },
  });
  const draw = () => {
    const direct = room?.kind === "direct";
    /** @type {Member[] | null} */
    const known = direct ? room.users.map((user) => ({ user, role: /** @type {const} */ ("member") })) : actions.rooms.memberList(roomId);
    if (!known) return;
    const sorted = [...known].sort((a, b) => label(store.people.get(a.user)).localeCompare(label(store.people.get(b.user))));
    const here = sorted.filter(({ user }) => store.people.state(user) !== "offline");
    const gone = sorted.filter(({ user }) => store.people.state(user) === "offline");
    const group = (/** @type {string} */ words, /** @type {Member[]} */ some) => (some.length ? [words, ...some] : []);
    rows.set([...group(t("members.here", { n: here.length }), here), ...group(t("members.away", { n: gone.length }), gone)]);
  };
  if (room?.kind !== "direct") actions.rooms.members(roomId).then(draw, (error) => replace(list, h("p", { class: "panel-note" }, explain(error))));
  return { title: t("members.title"), tools: mayAdd ? h("div", { class: "panel-tools" }, add) : null, body, draw, topics: ["members", "presence", "people", "room"] };
}

/** @param {App} app @param {number} roomId @param {Member} member */
function memberRow(app, roomId, member) {
  const open = (/** @type {MouseEvent} */ event) => openMember(app, roomId, member.user, /** @type {Element} */ (event.currentTarget));
  const row = h("div", { class: "panel-list" }, h("button", { type: "button", class: "member", "aria-haspopup": "menu", onclick: open }));
  fillMember(row, app, member);
  return row;
}

/** @param {HTMLElement} row @param {App} app @param {Member} member */
function fillMember(row, app, { user, role }) {
  const person = app.store.people.get(user);
  const state = app.store.people.state(user);
  const note = person.status || (label(person) === person.name ? "" : `@${person.name}`);
  const words = role === "member" ? null : h("span", { class: "member-role" }, t(role === "owner" ? "room.role_owner" : "room.role_moderator"));
  replace(
    /** @type {HTMLElement} */ (row.firstElementChild),
    avatar(person, { size: 28, presence: state }),
    h("span", { class: "member-text" }, h("span", { class: "truncate" }, personName(person)), note ? h("span", { class: "member-note truncate", dir: "auto" }, note) : null),
    h("span", { class: "visually-hidden" }, t(`presence.${state}`)),
    words,
  );
}

/** @param {App} app @param {number} roomId @param {number} user @param {Element} anchor */
function openMember(app, roomId, user, anchor) {
  const { store, actions } = app;
  const { me } = store;
  const room = store.rooms.get(roomId);
  const role = actions.rooms.memberList(roomId)?.find((member) => member.user === user)?.role;
  if (!me || !room) return;
  const person = store.people.get(user);
  const tries = (/** @type {Promise<unknown>} */ done) => void done.catch((error) => toast(explain(error), { kind: "error" }));
  const owner = room.kind !== "direct" && (me.role === "admin" || room.role === "owner");
  const manages = owner || (room.kind !== "direct" && room.role === "moderator" && role !== "owner");
  const give = (/** @type {RoomRole} */ to, /** @type {string} */ words) =>
    owner && role && role !== to ? { label: words, icon: "shield", onclick: () => tries(actions.rooms.setRole(roomId, user, to)) } : null;
  const remove = async () => {
    const names = { name: label(person), room: `#${roomTitle(app, room)}` };
    if (await confirmDialog({ title: t("room.remove"), text: t("room.remove_confirm", names), action: t("do.remove"), danger: true })) tries(actions.rooms.remove(roomId, user));
  };
  const removable = manages && user !== me.id && !room.general;
  openMenu(anchor, [
    user === me.id ? null : { label: t("members.message"), icon: "mail", onclick: () => app.openDirect([user]) },
    { label: t("members.profile"), icon: "user", onclick: () => app.openPerson(user, anchor) },
    owner && role ? "line" : null,
    give("owner", t("room.make_owner")),
    give("moderator", t("room.make_moderator")),
    give("member", t("room.make_member")),
    removable ? "line" : null,
    removable ? { label: t("room.remove"), icon: "exit", danger: true, onclick: () => void remove() } : null,
  ], { label: label(person) });
}

/**
 * @param {App} app
 * @param {number} roomId
 * @param {(room: number, seq: number) => void} openHit
 * @returns {Content}
 */
function search(app, roomId, openHit) {
  const room = app.store.rooms.get(roomId);
  const input = h("input", { type: "search", class: "input", placeholder: t("search.placeholder"), "aria-label": t("search.title"), autocomplete: "off", enterkeyhint: "search", dir: "auto", maxlength: "200" });
  const only = h("input", { type: "checkbox" });
  const name = room ? (room.kind === "direct" ? roomTitle(app, room) : `#${roomTitle(app, room)}`) : "";
  const scope = h("label", { class: "search-scope" }, only, h("span", { class: "truncate" }, t("search.here", { room: name })));
  const body = h("div", { class: "panel-body" });
  const told = h("p", { class: "visually-hidden", role: "status" });
  const list = h("div", { class: "panel-list" });
  let asked = 0;

  /** @param {number} [before] */
  const run = async (before) => {
    const text = input.value.trim();
    const mine = (asked += 1);
    if (!text) return replace(body, emptyState("search", t("search.start"), t("search.hint")));
    try {
      const found = await app.actions.messages.search(text, { room: only.checked ? roomId : undefined, before });
      if (mine !== asked) return;
      if (!before) list.replaceChildren();
      if (!found.hits.length && !before) return replace(body, emptyState("search", t("search.none", { text })));
      told.textContent = t("search.count", { n: list.childElementCount + found.hits.length });
      list.append(...found.hits.map((hit) => hitRow(app, hit, text, openHit)));
      replace(body, list, found.more && found.before ? moreButton(() => void run(found.before ?? undefined)) : null);
    } catch (error) {
      if (mine === asked) replace(body, h("p", { class: "panel-note", role: "alert" }, explain(error)));
    }
  };
  const soon = debounce(() => void run(), 300);
  input.addEventListener("input", soon);
  only.addEventListener("change", () => void run());
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    soon.cancel();
    void run();
  });
  return { title: t("search.title"), tools: h("div", { class: "panel-tools" }, input, scope, told), body, draw: () => void run(), shown: () => input.focus(), topics: [] };
}

/** @param {() => void} onclick */
function moreButton(onclick) {
  return h("div", { class: "panel-more" }, h("button", { type: "button", class: "button", onclick }, t("search.more")));
}

/** @param {App} app @param {Hit} hit @param {string} query @param {(room: number, seq: number) => void} openHit */
function hitRow(app, { message, name }, query, openHit) {
  const room = app.store.rooms.get(message.room);
  const title = room ? roomTitle(app, room) : (name ?? "");
  const where = room?.kind === "direct" ? title : `#${title}`;
  const pieces = highlights(excerpt(plainText(message), query, EXCERPT), query);
  return h(
    "button",
    { type: "button", class: "search-hit", onclick: () => openHit(message.room, message.seq) },
    h("span", { class: "search-hit-where" }, h("b", { class: "truncate" }, personName(app.store.people.get(message.user))), h("bdi", { class: "truncate" }, where), h("time", { title: fullDate(message.at) }, relative(message.at, Date.now()))),
    h("span", { class: "search-hit-text", dir: "auto" }, pieces.map(({ text, hit }) => (hit ? h("mark", null, text) : text))),
  );
}
