/** What calls for attention: the tab's title and icon, a sound, and a notification where the browser has them. */

import { chime, faviconBadge } from "../lib/attention.js";
import { label } from "../text/names.js";
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
 * @returns {() => void} stop
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
  const notice = (/** @type {Notice} */ its) => {
    if (store.preferences.sound) chime();
    if (store.preferences.notify) show(app, its);
  };
  const offs = [...["rooms", "room", "open", "server"].map((topic) => store.on(topic, draw)), store.on("notice", notice)];
  draw();
  return () => {
    offs.forEach((off) => off());
    faviconBadge(0);
  };
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
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const name = label(app.store.people.get(message.user));
  const heading = kind === "mention" ? t("notify.mention", { name, room: roomTitle(app, room) }) : t("notify.direct", { name });
  const body = plainText(message).slice(0, LONGEST);
  try {
    const shown = new Notification(heading, { body, tag: `room-${room.id}`, silent: true });
    shown.onclick = () => {
      window.focus();
      shown.close();
      app.go({ room: room.id, seq: message.seq });
    };
  } catch {
    // Some phones have the constructor and refuse it: there only a service worker may notify.
  }
}
