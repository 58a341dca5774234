/** How far the room was read, and the voice that tells a screen reader what arrives. */

import { h } from "../../lib/dom.js";
import { label } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { roomTitle } from "../parts.js";
import { shortText } from "./message.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("./timeline.js").Timeline} Timeline
 */

/** What arrives within this time is announced together, in ms. */
const BATCH = 1200;
/** More messages than this are announced by their number. */
const SPOKEN = 3;

/**
 * Tells the server the last message on screen, whenever that may have changed and the window has the focus.
 * @param {App} app
 * @param {Timeline} timeline
 */
export function createReading(app, timeline) {
  let due = false;
  const check = () => {
    due = false;
    const seq = timeline.lastOnScreen();
    if (timeline.room && seq) app.actions.messages.markRead(timeline.room, seq);
  };
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(check);
  };
  addEventListener("focus", soon);
  document.addEventListener("visibilitychange", soon);
  return soon;
}

/**
 * A hidden polite live region: it says what others post in the open room, in batches. The timeline itself is
 * no live region, because screen readers read such lists again and again.
 * @param {App} app
 * @returns {() => void} stop
 */
export function createAnnouncer(app) {
  const { store } = app;
  const region = h("div", { class: "visually-hidden", role: "log", "aria-live": "polite", "aria-atomic": "false" });
  document.body.append(region);
  let room = 0;
  /** The highest number heard of in the room. */
  let heard = 0;
  /** @type {import("../../protocol/types.js").Message[]} */
  let waiting = [];
  let timer = 0;

  const speak = () => {
    timer = 0;
    const words = waiting.length > SPOKEN
      ? [t("timeline.announce_many", { n: waiting.length, room: roomTitle(app, /** @type {any} */ (store.rooms.get(room))) })]
      : waiting.map((message) => t("timeline.announce", { name: label(store.people.get(message.user)), text: shortText(message) }));
    waiting = [];
    region.replaceChildren(...words.map((text) => h("p", null, text)));
  };
  const follow = () => {
    const open = store.openRoom;
    waiting = [];
    room = open?.id ?? 0;
    heard = open?.head ?? 0;
  };
  const arrived = (/** @type {Set<number>} */ rooms) => {
    const open = store.openRoom;
    if (open && open.id !== room) follow();
    if (!open || !rooms.has(room)) return;
    const fresh = open.timeline.messages.filter(({ seq, user, deleted }) => seq > heard && user !== store.me?.id && !deleted);
    heard = Math.max(heard, open.head);
    waiting.push(...fresh);
    if (waiting.length && !timer) timer = setTimeout(speak, BATCH);
  };
  follow();
  const offs = [store.on("open", () => store.openRoom?.id !== room && follow()), store.on("timeline", arrived)];
  return () => {
    offs.forEach((off) => off());
    clearTimeout(timer);
    region.remove();
  };
}
