/** The list of rooms and people, and at its foot oneself. */

import { h, icon, iconButton, replace } from "../lib/dom.js";
import { keyed } from "../lib/list.js";
import { confirmDialog, openMenu } from "../lib/overlay.js";
import { label } from "../text/names.js";
import { t } from "../text/words/index.js";
import {
  attempt,
  avatar,
  insecureHint,
  keyNames,
  lazily,
  personName,
  presenceDot,
  roomIcon,
  roomTitle,
  serverBadge,
} from "./parts.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("../model/room.js").Room} Room
 */

/** @param {App} app @returns {HTMLElement} */
export function createSidebar(app) {
  const { store } = app;
  const head = h("header", { class: "sidebar-head" });
  const jump = h(
    "button",
    { type: "button", class: "sidebar-jump", onclick: () => app.openJump() },
    icon("search"),
    h("span", { class: "grow" }, t("sidebar.jump")),
    h("kbd", { class: "kbd desk-only" }, `${keyNames.command} K`),
  );
  const rooms = h("ul");
  const direct = h("ul");
  const foot = h("button", {
    type: "button",
    class: "sidebar-me",
    "aria-haspopup": "menu",
    onclick: () => openOwnMenu(app, foot),
  });
  const more = row({
    icon: icon("more"),
    name: t("sidebar.more_direct"),
    quiet: true,
    onclick: () => openMore(app, more),
  });
  const invite = row({
    icon: icon("user-plus"),
    name: t("sidebar.invite"),
    onclick: () => app.go({ page: "admin", section: "invitations" }),
  });
  const hint = store.preferences.warned
    ? null
    : insecureHint(app.trust, { class: "sidebar-hint", onhide: () => (store.preferences.warned = true) });
  const lists = [rooms, direct].map((list) => roomList(app, list));

  const drawHead = () => replace(head, headOf(app));
  const drawLists = () => {
    const shown = store.rooms.sidebar();
    lists[0]?.set(shown.rooms);
    lists[1]?.set(shown.direct);
    more.hidden = shown.more.length === 0;
    invite.hidden = store.me?.role !== "admin";
  };
  // Only where something changed: what is replaced in the middle of a click gets none.
  const drawFoot = () => {
    const drawn = [...h("span", null, ownRow(app)).childNodes];
    const same = drawn.length === foot.childNodes.length && drawn.every((node, place) => node.isEqualNode(foot.childNodes[place]));
    if (!same) replace(foot, drawn);
  };

  store.on("server", drawHead);
  store.on("me", () => (drawHead(), drawFoot()));
  for (const topic of /** @type {const} */ (["rooms", "people", "presence"])) store.on(topic, drawLists);
  for (const topic of /** @type {const} */ (["people", "presence"])) store.on(topic, drawFoot);
  store.on("open", drawLists);
  app.onPlace(drawLists);
  drawHead();
  drawLists();
  drawFoot();

  return h(
    "div",
    { class: "sidebar" },
    head,
    jump,
    h(
      "div",
      { class: "sidebar-scroll" },
      section(t("sidebar.rooms"), t("sidebar.add_room"), (button) => openRoomMenu(app, button)),
      rooms,
      section(t("sidebar.direct"), t("sidebar.add_direct"), () =>
        withRooms((part) => part.openNewDirect(app)),
      ),
      direct,
      more,
      invite,
      hint,
    ),
    foot,
  );
}

/** @param {App} app */
function headOf(app) {
  const name = app.store.server?.name ?? t("app.name");
  return [
    serverBadge(app.store.server),
    h("h1", { class: "sidebar-server truncate grow", dir: "auto", title: name }, name),
    app.store.me?.role === "admin"
      ? iconButton({ icon: "gear", label: t("admin.title"), onclick: () => app.go({ page: "admin" }) })
      : null,
  ];
}

/** @param {string} title @param {string} addLabel @param {(button: Element) => void} add */
function section(title, addLabel, add) {
  const button = iconButton({ icon: "plus", label: addLabel, onclick: () => add(button) });
  return h("div", { class: "sidebar-section" }, h("h2", null, title), button);
}

/** @param {App} app @param {HTMLElement} container */
function roomList(app, container) {
  return keyed(container, {
    key: (/** @type {Room} */ room) => room.id,
    create: (room) => {
      const item = h("li", { class: "sidebar-item" });
      const link = h("button", {
        type: "button",
        class: "sidebar-row",
        onclick: () => app.go({ room: room.id }),
      });
      item.append(link);
      if (room.kind === "direct") {
        item.append(
          iconButton({
            icon: "close",
            label: t("sidebar.hide"),
            onclick: () => attempt(app.actions.rooms.hide(room.id)),
          }),
        );
      }
      drawRow(app, link, room);
      return item;
    },
    update: (item, room) => drawRow(app, /** @type {HTMLElement} */ (item.firstElementChild), room),
  });
}

/** What a row shows now, so that a message in one of many rooms draws one row. @type {WeakMap<HTMLElement, string>} */
const drawn = new WeakMap();

/** @param {App} app @param {HTMLElement} link @param {Room} room */
function drawRow(app, link, room) {
  const unread = room.unread > 0;
  const current = (app.place.room ?? app.store.open?.room) === room.id && !app.place.page;
  const states = room.kind === "direct" ? room.users.map((user) => app.store.people.state(user)) : [];
  const shows = [
    roomTitle(app, room),
    room.kind,
    room.unread,
    room.mentions,
    room.archived,
    current,
    ...states,
  ].join("\n");
  if (drawn.get(link) === shows) return;
  drawn.set(link, shows);
  link.className = unread ? "sidebar-row is-unread" : "sidebar-row";
  if (current) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
  replace(
    link,
    rowMark(app, room),
    h("span", { class: "sidebar-name truncate" }, h("bdi", null, roomTitle(app, room))),
    room.kind === "private" ? h("span", { class: "visually-hidden" }, t("sidebar.private")) : null,
    room.archived ? icon("archive") : null,
    rowCount(room),
  );
}

/** @param {App} app @param {Room} room */
function rowMark(app, room) {
  const others = room.kind === "direct" ? room.others(app.store.me?.id ?? 0) : [];
  if (room.kind !== "direct" || others.length > 1) return roomIcon(room);
  const person = app.store.people.get(others[0] ?? app.store.me?.id ?? 0);
  return person.bot ? icon("robot") : presenceDot(app.store.people.state(person.id));
}

/** Mentions, and all that is unread between two people, are a filled badge; the rest is a plain count. @param {Room} room */
function rowCount(room) {
  if (room.unread === 0 && room.mentions === 0) return null;
  const n = room.badge ? (room.kind === "direct" ? room.unread : room.mentions) : room.unread;
  const words = t(room.badge && room.kind !== "direct" ? "sidebar.mentions" : "sidebar.unread", { n });
  return h(
    "span",
    { class: room.badge ? "badge" : "count" },
    h("span", { "aria-hidden": "true" }, n > 999 ? "999+" : n),
    h("span", { class: "visually-hidden" }, words),
  );
}

/** @param {{icon: Element, name: string, quiet?: boolean, onclick: () => void}} options */
function row({ icon: mark, name, quiet = false, onclick }) {
  return h(
    "button",
    { type: "button", class: quiet ? "sidebar-row is-quiet" : "sidebar-row", onclick },
    mark,
    h("span", { class: "sidebar-name truncate" }, name),
  );
}

/** @param {App} app @param {Element} anchor */
function openRoomMenu(app, anchor) {
  openMenu(
    anchor,
    [
      { label: t("room.create"), icon: "plus", onclick: () => withRooms((part) => part.openCreateRoom(app)) },
      {
        label: t("room.browse"),
        icon: "compass",
        onclick: () => withRooms((part) => part.openBrowseRooms(app)),
      },
    ],
    { align: "end", label: t("sidebar.add_room") },
  );
}

/** @param {(part: typeof import("./dialogs/rooms.js")) => void} run */
function withRooms(run) {
  return lazily(import("./dialogs/rooms.js"), run);
}

/** The direct rooms that are not in the list. @param {App} app @param {Element} anchor */
function openMore(app, anchor) {
  const items = app.store.rooms.sidebar().more.map((room) => ({
    label: h("bdi", null, roomTitle(app, room)),
    icon: room.users.length > 2 ? "people" : "user",
    onclick: () => app.go({ room: room.id }),
  }));
  openMenu(anchor, items, { label: t("sidebar.direct") });
}

/** @param {App} app */
function ownRow(app) {
  const me = app.store.me;
  if (!me) return null;
  const state = app.store.people.state(me.id);
  return [
    avatar(me, { presence: state === "offline" ? "online" : state }),
    h(
      "span",
      { class: "sidebar-me-text" },
      h("span", { class: "sidebar-me-name truncate" }, personName(me)),
      h("span", { class: "sidebar-me-status truncate", dir: "auto" }, me.status || `@${me.name}`),
    ),
    icon("chevron-down"),
  ];
}

/** @param {App} app @param {Element} anchor */
function openOwnMenu(app, anchor) {
  const { store } = app;
  const themes = /** @type {const} */ (["system", "light", "dark"]);
  const themeIcons = { system: "monitor", light: "sun", dark: "moon" };
  openMenu(
    anchor,
    [
      { label: t("profile.edit"), icon: "user", onclick: () => app.openAccount() },
      { label: t("sessions.title"), icon: "laptop", onclick: () => app.openSessions() },
      { label: t("phone.title"), icon: "phone", onclick: () => app.openPhone() },
      store.me?.role === "admin" && {
        label: t("admin.title"),
        icon: "gear",
        onclick: () => app.go({ page: "admin" }),
      },
      !matchMedia("(hover: none)").matches && {
        label: t("keys.title"),
        icon: "keyboard",
        hint: `${keyNames.command} /`,
        onclick: () => app.openShortcuts(),
      },
      "line",
      ...themes.map((theme) => ({
        label: t("profile.theme_item", { theme: t(`profile.theme_${theme}`) }),
        icon: themeIcons[theme],
        checked: store.preferences.theme === theme,
        onclick: () => {
          store.preferences.theme = theme;
        },
      })),
      "line",
      { label: t("about.open"), icon: "info", onclick: () => app.openAbout() },
      { label: t("signout.submit"), icon: "logout", onclick: () => signOut(app) },
    ],
    { label: store.me ? label(store.me) : "" },
  );
}

/** @param {App} app */
function signOut(app) {
  return attempt(
    app.actions.account.signOut((waiting) =>
      confirmDialog({
        title: t("signout.submit"),
        text: t("signout.waiting", { n: waiting }),
        action: t("signout.anyway"),
        danger: true,
        cancel: t("signout.stay"),
      }),
    ),
  );
}
