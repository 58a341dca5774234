/** What calls for attention: the tab's title and icon, a sound, and a notification where the browser has them. */

import { chime, closeNotifications, faviconBadge, notify, prepareNotifications } from "../lib/attention.js";
import { label } from "../text/names.js";
import { parseFragment, placeFragment } from "../text/links.js";
import { plainText } from "../text/parts.js";
import { t } from "../text/words/index.js";
import { roomTitle } from "./parts.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {{room: import("../model/room.js").Room, message: import("../protocol/types.js").Message, kind: "mention" | "direct"}} Notice
 */

/** Longer texts are cut in a notification, in characters. */
const LONGEST = 200;

/**
 * Follows the counts, and speaks up for mentions and direct messages. The store has decided already that it is this
 * tab's turn and that nobody is looking.
 * @param {App} app
 */
export function createNotifications(app) {
  const { store } = app;
  let drawn = 0;
  const draw = () => {
    const { unread, badge } = store.rooms.totals();
    const mark = badge || (unread ? -1 : 0);
    document.title = title(app, badge, unread);
    if (mark !== drawn) faviconBadge(mark);
    drawn = mark;
  };
  const tidy = () => closeNotifications((fragment) => isRead(app, fragment));
  const prepare = () => {
    if (store.preferences.notify) void prepareNotifications();
  };
  for (const topic of ["rooms", "room", "open", "server"]) store.on(topic, draw);
  store.on("rooms", tidy);
  store.on("preferences", prepare);
  store.on("notice", async (/** @type {Notice} */ notice) => {
    if (store.preferences.sound) chime();
    if (store.preferences.notify) await show(app, notice);
    tidy(); // it may have been read meanwhile
  });
  draw();
  tidy();
  prepare();
}

/** Whether what a notification leads to was read, here or on another device. @param {App} app @param {string} fragment */
function isRead(app, fragment) {
  const { room: id = 0, seq = 0 } = parseFragment(fragment);
  const room = app.store.rooms.get(id);
  return !room || room.unread === 0 || room.read >= seq;
}

/** @param {App} app @param {number} badge @param {number} unread */
function title(app, badge, unread) {
  const { store } = app;
  const server = store.server?.name ?? t("app.name");
  const room = store.openRoom;
  const count = badge ? `(${badge}) ` : unread ? "• " : "";
  if (!room) return count + server;
  const name = roomTitle(app, room);
  return count + t("app.title", { room: room.kind === "direct" ? name : `#${name}`, server });
}

/** @param {App} app @param {Notice} notice */
function show(app, { room, message, kind }) {
  const name = label(app.store.people.get(message.user));
  const heading = kind === "mention" ? t("notify.mention", { name, room: roomTitle(app, room) }) : t("notify.direct", { name });
  const body = plainText(message).slice(0, LONGEST);
  return notify(heading, { body, tag: `room-${room.id}`, data: placeFragment(room.id, message.seq) });
}
