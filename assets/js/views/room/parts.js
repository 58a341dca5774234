/** A message's parts as DOM, by one table (unknown kinds show the text that they hold), and what stands around messages. */

import { h, iconButton } from "../../lib/dom.js";
import { dayHeading } from "../../text/dates.js";
import { ownLink } from "../../text/links.js";
import { partsOf } from "../../text/parts.js";
import { t } from "../../text/words/index.js";
import { copyText, roomIcon, roomTitle } from "../parts.js";
import { clipMarks } from "./rows.js";

/**
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../../model/room.js").Room} Room
 * @typedef {import("../app.js").App} App
 * @typedef {import("./rows.js").Row} Row
 * @typedef {{t: string, c?: any[], text?: string, href?: string, start?: number, user?: number}} Part
 */

/** @type {Record<string, (part: Part, app: App) => Node | string>} */
const MAKERS = {
  p: (part, app) => h("p", { dir: "auto" }, inside(part, app)),
  pre: (part) => codeBlock(part.text ?? ""),
  quote: (part, app) => h("blockquote", { dir: "auto" }, inside(part, app)),
  ul: (part, app) => h("ul", { dir: "auto" }, items(part, app)),
  ol: (part, app) => h("ol", { dir: "auto", start: String(part.start ?? 1) }, items(part, app)),
  b: (part, app) => h("strong", null, inside(part, app)),
  i: (part, app) => h("em", null, inside(part, app)),
  s: (part, app) => h("s", null, inside(part, app)),
  code: (part) => h("code", { dir: "auto" }, clipMarks(part.text ?? "")),
  a: (part, app) => link(part, app),
  br: () => h("br", null),
  mention: (part, app) => mention(part, app),
};

/**
 * What a message says.
 * @param {Message} message
 * @param {App} app
 */
export function renderText(message, app) {
  return partsOf(message).map((part) => node(part, app));
}

/**
 * @param {string | Part} part
 * @param {App} app
 * @returns {Node | string}
 */
function node(part, app) {
  if (typeof part === "string") return clipMarks(part);
  const make = MAKERS[part.t];
  return make ? make(part, app) : h("span", null, inside(part, app));
}

/** @param {Part} part @param {App} app */
function inside(part, app) {
  return part.c ? part.c.map((child) => node(child, app)) : [clipMarks(part.text ?? "")];
}

/** @param {Part} part @param {App} app */
function items(part, app) {
  return (part.c ?? []).map((blocks) => h("li", null, [blocks].flat().map((block) => node(block, app))));
}

/** @param {string} text */
function codeBlock(text) {
  const copy = iconButton({ icon: "copy", label: t("message.copy_code"), class: "code-copy", onclick: () => copyText(text) });
  return h("div", { class: "code-block" }, h("pre", { dir: "ltr" }, h("code", null, clipMarks(text))), copy);
}

/** @param {Part} part @param {App} app */
function link(part, app) {
  const href = part.href ?? "";
  if (!/^(https?:|mailto:)/i.test(href)) return h("span", null, inside(part, app));
  const place = ownLink(href, [...(app.store.server?.addresses ?? []), location.origin]);
  if (!place) return h("a", { href, rel: "noopener noreferrer", target: "_blank" }, inside(part, app));
  const onclick = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    app.go(place);
  };
  return h("a", { href, rel: "noopener noreferrer", onclick }, inside(part, app));
}

/** @param {Part} part @param {App} app */
function mention(part, app) {
  const user = part.user ?? 0;
  const mine = user === app.store.me?.id;
  const onclick = (/** @type {MouseEvent} */ event) =>
    app.openPerson(user, /** @type {HTMLElement} */ (event.currentTarget));
  return h("button", { type: "button", class: mine ? "mention is-me" : "mention", onclick }, h("bdi", null, clipMarks(part.text ?? "")));
}

/** What stands between messages. @param {Row} row */
export function line(row) {
  if (row.kind === "day") return h("li", { class: "timeline-line timeline-day" }, dayWords(row.at));
  return h("li", { class: "timeline-line timeline-new" }, h("span", null, t("timeline.new")));
}

/** @param {number} at */
export function dayWords(at) {
  return h("span", null, dayHeading(at, Date.now()));
}

/** What stands above the first message. @param {App} app @param {Room} room */
export function start(app, room) {
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

/** @param {Room} room @param {string} title */
function startWords(room, title) {
  if (room.kind !== "direct") return t("room.start", { room: `#${title}` });
  return room.users.length < 2 ? t("room.start_self") : t("room.start_direct", { room: title });
}

/** What stands where messages will be. @param {number} rows */
export function skeleton(rows) {
  const bone = () => h("span", { class: "skeleton" });
  return h("div", { class: "timeline-skeleton", "aria-hidden": "true" }, Array.from({ length: rows }, () => h("div", null, bone(), bone(), bone())));
}
