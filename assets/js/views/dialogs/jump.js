/** Jump to anything by its name, and the list of keys. */

import { h, icon, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { label, rankNames } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { avatar, emptyState, keyNames, personName, presenceDot, roomIcon, roomTitle } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../model/room.js").Room} Room
 * @typedef {import("../../protocol/types.js").Person} Person
 * @typedef {{room: Room} | {person: Person}} Target
 */

/** Shown at most, in a list that is read and not scrolled. */
const SHOWN = 12;

/** @param {App} app */
export function openJump(app) {
  const targets = targetsOf(app);
  /** @type {Target[]} */
  let found = [];
  let at = 0;
  const list = h("div", {
    class: "jump-list",
    role: "listbox",
    id: "jump-list",
    "aria-label": t("jump.title"),
  });
  const input = h("input", {
    type: "text",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "jump-list",
    "aria-autocomplete": "list",
    "aria-label": t("jump.title"),
    placeholder: t("jump.placeholder"),
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    autofocus: true,
    oninput: () => find(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => press(event),
  });
  const dialog = openDialog({
    title: t("jump.title"),
    class: "jump",
    body: [h("div", { class: "jump-field" }, icon("search"), input), list],
  });

  /** @param {Target} target */
  const open = (target) => {
    dialog.close();
    if ("room" in target) app.go({ room: target.room.id });
    else app.openDirect([target.person.id]);
  };
  const mark = () => {
    [...list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", found.length ? `jump-${at}` : "");
  };
  const find = () => {
    found = rankNames(targets, input.value, (target) => namesOf(app, target), { limit: SHOWN });
    at = 0;
    if (found.length)
      replace(
        list,
        found.map((target, index) => targetRow(app, target, index, () => open(target))),
      );
    else replace(list, emptyState("search", t("jump.none")));
    mark();
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.isComposing) return;
    const target = found[at];
    if (event.key === "ArrowDown") at = (at + 1) % Math.max(1, found.length);
    else if (event.key === "ArrowUp") at = (at - 1 + found.length) % Math.max(1, found.length);
    else if (event.key === "Enter" && target) open(target);
    else return;
    event.preventDefault();
    mark();
  };
  find();
}

/** What there is to jump to, the unread first; a person stands for the direct room with them. @param {App} app @returns {Target[]} */
function targetsOf(app) {
  const { rooms, people } = app.store;
  const me = app.store.me?.id ?? 0;
  const open = rooms.all().filter((room) => !room.archived);
  const between = new Set(
    open
      .filter((room) => room.kind === "direct")
      .flatMap((room) => {
        const others = room.others(me);
        return others.length === 1 ? others : others.length === 0 ? [me] : [];
      }),
  );
  open.sort(
    (a, b) => Number(b.badge) - Number(a.badge) || Number(b.unread > 0) - Number(a.unread > 0) || b.at - a.at,
  );
  const others = people.active().filter((person) => !between.has(person.id));
  return [...open.map((room) => ({ room })), ...others.map((person) => ({ person }))];
}

/** @param {App} app @param {Target} target */
function namesOf(app, target) {
  if ("person" in target) return [label(target.person), target.person.name];
  const { room } = target;
  const handles =
    room.kind === "direct"
      ? room.others(app.store.me?.id ?? 0).map((id) => app.store.people.get(id).name)
      : [];
  return [roomTitle(app, room), ...handles];
}

/** @param {App} app @param {Target} target @param {number} index @param {() => void} onclick */
function targetRow(app, target, index, onclick) {
  const about = "room" in target ? roomParts(app, target.room) : personParts(app, target.person);
  return h("div", { class: "row", role: "option", id: `jump-${index}`, onclick }, about);
}

/** @param {App} app @param {Room} room */
function roomParts(app, room) {
  const others = room.kind === "direct" ? room.others(app.store.me?.id ?? 0) : [];
  if (others.length === 1) return personParts(app, app.store.people.get(others[0] ?? 0), room);
  return [
    roomIcon(room),
    h("span", { class: "row-title grow" }, h("bdi", { class: "truncate" }, roomTitle(app, room))),
    unreadMark(room),
  ];
}

/** @param {App} app @param {Person} person @param {Room} [room] */
function personParts(app, person, room) {
  return [
    avatar(person, { size: 24 }),
    h(
      "span",
      { class: "row-title grow" },
      personName(person),
      presenceDot(app.store.people.state(person.id)),
      h("bdi", { class: "field-hint truncate" }, `@${person.name}`),
    ),
    room ? unreadMark(room) : null,
  ];
}

/** @param {Room} room */
function unreadMark(room) {
  if (!room.unread) return null;
  return h(
    "span",
    { class: room.badge ? "badge" : "count" },
    room.badge && room.kind !== "direct" ? room.mentions : room.unread,
  );
}

export function openShortcuts() {
  const { command, alt, shift } = keyNames;
  /** @type {[string, string[]][]} */
  const keys = [
    [t("keys.jump"), [command, "K"]],
    [t("keys.rooms"), [alt, "↑", "↓"]],
    [t("keys.unread"), [command, alt, "↑", "↓"]],
    [t("keys.send"), ["Enter"]],
    [t("keys.newline"), [shift, "Enter"]],
    [t("keys.edit_last"), ["↑"]],
    [t("keys.timeline"), ["↑", "↓"]],
    [t("keys.escape"), ["Esc"]],
    [t("keys.help"), [command, "/"]],
  ];
  openDialog({
    title: t("keys.title"),
    class: "dialog-small",
    body: h(
      "dl",
      { class: "keys" },
      keys.map(([what, names]) => [
        h("dt", null, what),
        h(
          "dd",
          null,
          names.map((name) => h("kbd", { class: "kbd" }, name)),
        ),
      ]),
    ),
  });
}
