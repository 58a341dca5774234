/** The frame: where we are (and the browser's history of it), what is shown for it, and the keys that work everywhere. */

import { h, on, replace } from "../lib/dom.js";
import { openMenu } from "../lib/overlay.js";
import { parseFragment } from "../text/links.js";
import { t } from "../text/words/index.js";
import { attempt, avatar, emptyState, lazily, personName } from "./parts.js";
import { createPanel, createRoomView } from "./room/index.js";
import { createBars } from "./bars.js";
import { createSidebar } from "./sidebar.js";

/**
 * @typedef {{kind: string, [key: string]: any}} PanelPlace
 * @typedef {{room?: number, seq?: number, panel?: PanelPlace, page?: "admin", section?: string}} Place
 * @typedef {ReturnType<typeof createApp>} App
 * @typedef {import("../model/store.js").Store} Store
 * @typedef {import("./entrance.js").Actions} Actions
 */

const PHONE = matchMedia("(width < 900px)");

/** @param {{store: Store, actions: Actions, trust: import("../actions/trust.js").Trust}} client */
export function createApp({ store, actions, trust }) {
  /** @type {Place} */
  let place = {};
  /** @type {Set<(place: Place) => void>} */
  const listeners = new Set();

  actions.confirm = async () =>
    (await lazily(import("./dialogs/confirm.js"), (part) => part.askPassword(app))) ?? false;
  const app = {
    store,
    actions,
    trust,
    /** Where we are; kept in the browser's history. */
    get place() {
      return place;
    },
    isPhone: () => PHONE.matches,
    /** @param {(place: Place) => void} listener @returns {() => void} */
    onPlace(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** @param {Place} to */
    go(to) {
      const samePlace =
        to.room === place.room && to.page === place.page && to.section === place.section && !to.panel;
      move({ panel: samePlace ? place.panel : undefined, ...to }, samePlace);
    },
    /** The same entry of the history, another place. @param {Place} to */
    settle: (to) => move(to, true),
    /** @param {PanelPlace} panel */
    openPanel(panel) {
      move({ ...place, panel }, !PHONE.matches || place.panel !== undefined);
    },
    closePanel() {
      if (!place.panel) return;
      if (PHONE.matches && history.state?.deep) history.back();
      else move({ ...place, panel: undefined }, true);
    },
    /** To the list of rooms, on the phone. */
    toList() {
      if (history.state?.deep) history.back();
      else move({}, true);
    },
    /** @param {number} room */
    openRoomSettings: (room) =>
      lazily(import("./dialogs/room_settings.js"), (part) => part.openRoomSettings(app, room)),
    /** @param {number} room */
    addPeople: (room) =>
      lazily(import("./dialogs/room_settings.js"), (part) => part.openAddPeople(app, room)),
    openPhone: () => lazily(import("./dialogs/phone.js"), (part) => part.openPhone(app)),
    openAbout: () => lazily(import("./dialogs/about.js"), (part) => part.openAbout(app)),
    openAccount: () => lazily(import("./dialogs/account.js"), (part) => part.openAccount(app)),
    openSessions: () => lazily(import("./dialogs/account.js"), (part) => part.openSessions(app)),
    openJump: () => lazily(import("./dialogs/jump.js"), (part) => part.openJump(app)),
    openShortcuts: () => lazily(import("./dialogs/jump.js"), (part) => part.openShortcuts()),
    /** @param {number[]} users */
    async openDirect(users) {
      const room = await attempt(actions.rooms.openDirect(users));
      if (room) app.go({ room: room.id });
    },
    /** @param {number} user @param {Element | {x: number, y: number}} anchor */
    openPerson: (user, anchor) => openPerson(app, user, anchor),
    /** Takes the place from the address or the history; a phone without one starts at the list. */
    start() {
      const { room, seq } = parseFragment(location.hash);
      startAt(room ? { room, seq } : (history.state?.place ?? {}));
      addEventListener("popstate", arrive);
    },
  };
  return app;

  /**
   * @param {Place} to
   * @param {boolean} instead of a new entry in the history
   */
  function move(to, instead) {
    place = strip(to);
    const address = place.room
      ? `#room=${place.room}${place.seq ? `&seq=${place.seq}` : ""}`
      : location.pathname;
    const first = history.state?.place === undefined;
    const deep = instead && !first ? history.state.deep === true : PHONE.matches;
    history[instead || first ? "replaceState" : "pushState"]({ place, deep }, "", address);
    for (const listener of listeners) listener(place);
  }

  /** On the phone a room has the list below it, so that going back leads there. @param {Place} to */
  function startAt(to) {
    if (PHONE.matches && (to.room || to.page) && !history.state?.deep) move({}, true);
    move(to, !PHONE.matches || history.state?.deep === true);
  }

  function arrive() {
    const { room, seq } = parseFragment(location.hash);
    const known = /** @type {Place | undefined} */ (history.state?.place);
    if (!known) return move({ room, seq }, true);
    place = known;
    for (const listener of listeners) listener(place);
  }
}

/** @param {Place} place @returns {Place} without what is undefined */
function strip(place) {
  return Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined));
}

/** Draws the frame of index.html for wherever the app is. @param {App} app */
export function startFrame(app) {
  const frame = byId("frame");
  const main = byId("main");
  const aside = byId("panel");
  const roomView = createRoomView(app);
  const panel = createPanel(app);
  const pages = h("div", { class: "page-place", hidden: true });
  const admin = adminPlace(app, pages);
  const nothing = h("div", { class: "page-nothing" });

  byId("side").setAttribute("aria-label", t("sidebar.label"));
  aside.setAttribute("aria-label", t("panel.label"));
  byId("skip").textContent = t("app.skip");
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  replace(byId("side"), createSidebar(app));
  replace(byId("bars"), createBars(app));
  replace(main, roomView.element, pages, nothing);
  replace(aside, panel.element);

  const draw = () => {
    const settled = defaultPlace(app);
    if (settled) return app.settle(settled);
    const { room: roomId, seq, panel: wanted, page, section } = app.place;
    const room = roomId ? app.store.rooms.get(roomId) : undefined;
    const showsPage = page === "admin" && app.store.me?.role === "admin";
    const showsPanel = !showsPage && room !== undefined && wanted !== undefined;

    frame.dataset.shows = showsPanel ? "panel" : roomId || showsPage ? "main" : "list";
    roomView.element.hidden = !room || showsPage;
    nothing.hidden = room !== undefined || showsPage;
    pages.hidden = !showsPage;
    aside.hidden = !showsPanel;
    if (room && !showsPage) roomView.show(room.id, { seq });
    else roomView.hide();
    if (showsPanel) panel.show(room.id, wanted);
    else panel.hide();
    if (showsPage) admin.show(section);
    else admin.leave();
    if (!nothing.hidden) replace(nothing, nothingHere(app, roomId));
  };

  app.onPlace(draw);
  PHONE.addEventListener("change", draw);
  app.store.on("gone", () => {
    const gone = app.place.room;
    if (gone && !app.store.rooms.get(gone)) app.go({});
  });
  app.store.on("rooms", () => {
    if (!nothing.hidden) draw();
  });
  listenToKeys(app);
  fitToKeyboard(frame);
}

/** The administration page, made anew each time that it is entered. @param {App} app @param {HTMLElement} place */
function adminPlace(app, place) {
  /** @type {ReturnType<typeof import("./admin/index.js").createAdminPage> | null} */
  let page = null;
  return {
    /** @param {string | undefined} section */
    show: (section) =>
      lazily(import("./admin/index.js"), ({ createAdminPage }) => {
        if (app.place.page !== "admin") return;
        if (!page) {
          page = createAdminPage(app);
          replace(place, page.element);
        }
        page.show(section);
      }),
    leave() {
      page = null;
      replace(place);
    },
  };
}

/** A desk always shows a room: the one that was open last, else the first. @param {App} app @returns {Place | null} */
function defaultPlace(app) {
  if (app.place.room || app.place.page || app.isPhone()) return null;
  const { rooms, preferences } = app.store;
  const last = preferences.lastRoom;
  const room = (last && rooms.get(last)) || rooms.sidebar().rooms[0] || rooms.sidebar().direct[0];
  return room ? { room: room.id } : null;
}

/** @param {App} app @param {number | undefined} roomId */
function nothingHere(app, roomId) {
  if (!roomId) return emptyState("chat", t("room.none"));
  return h(
    "div",
    { class: "empty" },
    emptyState("lock", t("room.not_yours")),
    h("button", { type: "button", class: "button", onclick: () => app.go({}) }, t("do.back")),
  );
}

/** @param {App} app */
function listenToKeys(app) {
  on(document, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const command = event.ctrlKey || event.metaKey;
    const inDialog = document.querySelector("dialog[open]") !== null;
    if (command && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      if (!inDialog) app.openJump();
    } else if (command && !event.altKey && event.key === "/") {
      if (!inDialog) app.openShortcuts();
    } else if (
      event.altKey &&
      !event.shiftKey &&
      !inDialog &&
      (event.key === "ArrowUp" || event.key === "ArrowDown")
    ) {
      step(app, event.key === "ArrowDown" ? 1 : -1, command);
    } else if (event.key === "Escape" && !inDialog) {
      escape(app);
    } else return;
    event.preventDefault();
  });
}

/** @param {App} app @param {1 | -1} by @param {boolean} unreadOnly */
function step(app, by, unreadOnly) {
  const next = app.store.rooms.next(app.store.open?.room ?? app.place.room ?? null, by, unreadOnly);
  if (next) app.go({ room: next.id });
}

/** @param {App} app */
function escape(app) {
  const room = app.store.open?.room;
  if (app.place.panel) app.closePanel();
  else if (room) app.actions.messages.catchUp(room);
}

/** The frame ends above the phone's keyboard, where the browser does not resize the page itself. @param {HTMLElement} frame */
function fitToKeyboard(frame) {
  const view = window.visualViewport;
  if (!view) return;
  const fit = () => {
    const covered = PHONE.matches && view.scale === 1 && innerHeight - view.height > 80;
    if (covered) frame.style.setProperty("--vh", `${view.height}px`);
    else frame.style.removeProperty("--vh");
    if (covered) scrollTo(0, 0);
  };
  view.addEventListener("resize", fit);
  fit();
}

/** Who somebody is, in short. @param {App} app @param {number} user @param {Element | {x: number, y: number}} anchor */
function openPerson(app, user, anchor) {
  const person = app.store.people.get(user);
  const state = app.store.people.state(user);
  const mine = user === app.store.me?.id;
  const head = h(
    "div",
    { class: "card" },
    avatar(person, { size: 48, presence: person.gone ? undefined : state }),
    h("b", null, personName(person)),
    h(
      "small",
      { class: "truncate" },
      h("bdi", null, `@${person.name}`),
      " · ",
      person.gone ? t("people.disabled") : t(`presence.${state}`),
    ),
    person.status ? h("p", { class: "card-status", dir: "auto" }, person.status) : null,
  );
  openMenu(
    anchor,
    [
      !person.gone &&
        !mine && { label: t("people.message"), icon: "mail", onclick: () => app.openDirect([user]) },
      mine && { label: t("profile.edit"), icon: "edit", onclick: () => app.openAccount() },
    ],
    { head, label: t("people.card") },
  );
}

/** @param {string} id */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
