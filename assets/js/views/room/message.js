/** One row of the timeline, the bar over it and its menu. */

import { confirmDialog, openMenu, toast } from "../../lib/overlay.js";
import { h, icon, iconButton } from "../../lib/dom.js";
import { fullDate, time } from "../../text/dates.js";
import { emojiOnly, plainText } from "../../text/parts.js";
import { explain, t } from "../../text/words/index.js";
import { avatar, copyText, personName } from "../parts.js";
import { fileList } from "./attachments.js";
import { renderText } from "./parts.js";
import { clipMarks, isLong, mayDelete, sameRow } from "./rows.js";

/**
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../app.js").App} App
 * @typedef {import("./rows.js").MessageRow} MessageRow
 * @typedef {{reply: (message: Message) => void, edit: (message: Message) => void, jump: (seq: number) => void,
 *   rowOf: (element: Element) => MessageRow | undefined}} Room what a message asks of the room that it is in
 */

/** A finger that rests this long, in ms, without moving further than this, in px, opens the menu. */
const LONG_PRESS = 450;
const STEADY = 10;

/**
 * @param {App} app
 * @param {Room} room
 * @param {MessageRow} row
 */
export function createMessage(app, room, row) {
  const { user, seq } = row.message;
  const element = h("li", { class: "message", tabindex: "-1", dataset: { key: row.key, user } });
  if (seq) element.dataset.seq = String(seq);
  fill(element, app, room, row);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {App} app
 * @param {Room} room
 * @param {MessageRow} row
 * @param {MessageRow} before
 */
export function updateMessage(element, app, room, row, before) {
  if (sameRow(row, before)) return;
  if (row.message.seq) element.dataset.seq = String(row.message.seq);
  fill(element, app, room, row);
}

/** @param {HTMLElement} element @param {App} app @param {Room} room @param {MessageRow} row */
function fill(element, app, room, row) {
  const bar = element.querySelector(":scope > .message-bar");
  element.classList.toggle("is-head", row.head);
  element.classList.toggle("is-pending", row.state !== "");
  element.classList.toggle("is-few-emoji", !row.message.deleted && emojiOnly(row.message));
  element.replaceChildren(side(app, row), main(app, room, row), ...(bar ? [bar] : []));
  stops(element, element.contains(document.activeElement));
}

/**
 * Whether Tab stops at the links and buttons inside a message: only inside the one that has the focus.
 * @param {Element} element
 * @param {boolean} reachable
 */
export function stops(element, reachable) {
  for (const inner of element.querySelectorAll("a[href], button:not([aria-hidden]), pre")) {
    inner.setAttribute("tabindex", reachable ? "0" : "-1");
  }
}

/** @param {App} app @param {MessageRow} row */
function side(app, { head, message, author }) {
  if (!head) {
    return h("div", { class: "message-side" }, h("time", { class: "message-minute", title: fullDate(message.at) }, time(message.at)));
  }
  const open = (/** @type {MouseEvent} */ event) => app.openPerson(author.id, /** @type {HTMLElement} */ (event.currentTarget));
  const props = { type: "button", class: "message-avatar", "aria-hidden": "true", tabindex: "-1", onclick: open };
  return h("div", { class: "message-side" }, h("button", props, avatar(author, { size: 36 })));
}

/** @param {App} app @param {Room} room @param {MessageRow} row */
function main(app, room, row) {
  const { message } = row;
  if (message.deleted) return h("div", { class: "message-main" }, heading(app, row), h("p", { class: "message-tombstone" }, t("message.deleted")));
  return h(
    "div",
    { class: "message-main" },
    heading(app, row),
    message.reply_to ? quote(app, room, row) : null,
    text(app, message),
    message.files?.length ? fileList(message.files) : null,
    state(app, row),
  );
}

/** @param {App} app @param {MessageRow} row */
function heading(app, { head, message, author }) {
  const open = (/** @type {MouseEvent} */ event) => app.openPerson(author.id, /** @type {HTMLElement} */ (event.currentTarget));
  if (!head) return h("span", { class: "visually-hidden" }, personName(author), ` ${time(message.at)}`);
  return h(
    "div",
    { class: "message-head" },
    h("button", { type: "button", class: "message-author truncate", onclick: open }, personName(author)),
    author.bot ? h("span", { class: "message-tag" }, t("message.bot")) : null,
    h("time", { class: "message-time", title: fullDate(message.at), datetime: new Date(message.at).toISOString() }, time(message.at)),
  );
}

/** The line of the message that this one answers. @param {App} app @param {Room} room @param {MessageRow} row */
function quote(app, room, { message, quoted }) {
  const words = !quoted ? t("message.reply_missing") : quoted.deleted ? t("message.deleted") : shortText(quoted);
  const jump = () => room.jump(message.reply_to ?? 0);
  return h(
    "button",
    { type: "button", class: "message-quote", title: t("message.to_quoted"), onclick: jump },
    quoted ? personName(app.store.people.get(quoted.user)) : null,
    h("span", { class: "truncate", dir: "auto" }, words),
  );
}

/** A message in one short line. @param {Message} message */
export function shortText(message) {
  const words = plainText(message).replace(/\s+/g, " ").trim();
  return clipMarks(words.slice(0, 160)) || (message.files ?? []).map((file) => file.name).join(", ");
}

/** @param {App} app @param {Message} message */
function text(app, message) {
  const edited = message.edited
    ? h("span", { class: "message-edited", title: t("message.edited_at", { when: fullDate(message.edited) }) }, t("message.edited"))
    : null;
  const content = renderText(message, app);
  const last = content.at(-1);
  if (edited && last instanceof HTMLParagraphElement) last.append(edited);
  else if (edited) content.push(edited);
  const body = h("div", { class: "message-text" }, content);
  if (!isLong(message.text)) return body;
  return folded(body);
}

/** @param {HTMLElement} body */
function folded(body) {
  body.classList.add("is-folded");
  const button = h("button", { type: "button", class: "message-fold", "aria-expanded": "false" }, t("message.more"));
  button.addEventListener("click", () => {
    const now = body.classList.toggle("is-folded");
    button.textContent = now ? t("message.more") : t("message.less");
    button.setAttribute("aria-expanded", String(!now));
  });
  return [body, button];
}

/** What became of an own message that is not stored yet. @param {App} app @param {MessageRow} row */
function state(app, { state: its, pending }) {
  if (!pending || its === "") return null;
  if (its === "sending" || its === "waiting") {
    return h("span", { class: "message-clock", title: t("message.sending") }, icon("clock"), h("span", { class: "visually-hidden" }, t("message.sending")));
  }
  if (its === "offline") return h("div", { class: "message-state" }, icon("clock"), t("message.waiting_offline"));
  const { nonce, error } = pending;
  return h(
    "div",
    { class: "message-state is-failed", role: "alert" },
    icon("warning"),
    t("message.failed", { reason: explain(error) }),
    h("button", { type: "button", onclick: () => app.actions.messages.retry(nonce) }, t("do.try_again")),
    "·",
    h("button", { type: "button", onclick: () => app.actions.messages.discard(nonce) }, t("message.discard")),
  );
}

/**
 * What can be done with a message, as menu rows.
 * @param {App} app
 * @param {Room} room
 * @param {MessageRow} row
 */
function choices(app, room, { message }) {
  const its = app.store.rooms.get(message.room);
  const me = app.store.me;
  if (!its || !me || !message.seq || message.deleted) return [];
  const { messages } = app.actions;
  const failed = (/** @type {unknown} */ error) => toast(explain(error), { kind: "error" });
  const writable = !its.archived;
  return [
    writable ? { label: t("message.reply"), icon: "reply", onclick: () => room.reply(message) } : null,
    writable && message.user === me.id ? { label: t("message.edit"), icon: "edit", onclick: () => room.edit(message) } : null,
    message.text ? { label: t("message.copy_text"), icon: "copy", onclick: () => void copyText(message.text) } : null,
    { label: t("message.copy_link"), icon: "link", onclick: () => void copyText(messages.permalink(its.id, message.seq)) },
    { label: t("message.mark_unread"), icon: "unread", onclick: () => void messages.markUnreadFrom(its.id, message.seq).catch(failed) },
    writable && mayDelete(message, its, me) ? /** @type {const} */ ("line") : null,
    writable && mayDelete(message, its, me) ? { label: t("message.delete"), icon: "trash", danger: true, onclick: () => void remove(app, message) } : null,
  ];
}

/** @param {App} app @param {Message} message */
async function remove(app, message) {
  const sure = { title: t("message.delete_title"), text: t("message.delete_hint"), action: t("do.delete"), danger: true };
  if (!(await confirmDialog(sure))) return;
  try {
    await app.actions.messages.remove(message.room, message.seq);
  } catch (error) {
    toast(explain(error), { kind: "error" });
  }
}

/**
 * @param {App} app
 * @param {Room} room
 * @param {MessageRow} row
 * @param {Element | {x: number, y: number}} anchor
 */
export function openMessageMenu(app, room, row, anchor) {
  const items = choices(app, room, row);
  if (items.length) openMenu(anchor, items, { label: t("message.actions"), align: "end" });
}

/**
 * The bar over the message under the pointer or with the focus: one for the whole list.
 * @param {App} app
 * @param {Room} room
 * @param {HTMLElement} list
 */
export function createMessageBar(app, room, list) {
  const bar = h("div", { class: "message-bar", role: "toolbar", "aria-label": t("message.actions") });
  const place = (/** @type {EventTarget | null} */ target) => {
    const element = target instanceof Element ? target.closest(".message") : null;
    const row = element ? room.rowOf(element) : undefined;
    if (bar.parentElement === element || bar.contains(document.activeElement)) return;
    bar.remove();
    if (!element || !row || !choices(app, room, row).length) return;
    bar.replaceChildren(...barButtons(app, room, row));
    element.append(bar);
  };
  list.addEventListener("pointermove", (event) => {
    if (event.pointerType !== "touch") place(event.target);
  });
  list.addEventListener("pointerleave", () => {
    if (!bar.contains(document.activeElement)) bar.remove();
  });
  list.addEventListener("focusin", (event) => {
    if (event.target instanceof Element && event.target.closest(".message")?.matches(":focus-visible, :has(:focus-visible)")) place(event.target);
  });
  return bar;
}

/** @param {App} app @param {Room} room @param {MessageRow} row */
function barButtons(app, room, row) {
  const quick = choices(app, room, row).slice(0, 2);
  const buttons = quick.map((item) =>
    item && item !== "line" ? iconButton({ icon: item.icon, label: item.label, onclick: item.onclick }) : null,
  );
  const menu = (/** @type {MouseEvent} */ event) => openMessageMenu(app, room, row, /** @type {Element} */ (event.currentTarget));
  const more = iconButton({ icon: "more", label: t("message.actions"), onclick: menu });
  more.setAttribute("aria-haspopup", "menu");
  return [...buttons, more].filter((button) => button !== null);
}

/**
 * A finger that rests on a message, or the menu key, opens its menu.
 * @param {HTMLElement} list
 * @param {(element: Element, at: {x: number, y: number}) => void} open
 */
export function onLongPress(list, open) {
  let timer = 0;
  let from = { x: 0, y: 0 };
  let opened = false;
  const stop = () => clearTimeout(timer);
  list.addEventListener("pointerdown", (event) => {
    const element = event.target instanceof Element ? event.target.closest(".message") : null;
    stop();
    if (event.pointerType !== "touch" || !element) return;
    from = { x: event.clientX, y: event.clientY };
    opened = false;
    timer = setTimeout(() => {
      opened = true;
      open(element, from);
    }, LONG_PRESS);
  });
  list.addEventListener("pointermove", (event) => {
    if (Math.hypot(event.clientX - from.x, event.clientY - from.y) > STEADY) stop();
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"]) list.addEventListener(type, stop);
  // The finger that opened the menu does not click what it lifts from, which would take the menu's focus away.
  list.addEventListener("touchend", (event) => {
    if (opened && event.cancelable) event.preventDefault();
    opened = false;
  });
  list.addEventListener("contextmenu", (event) => {
    if (/** @type {PointerEvent} */ (event).pointerType === "touch") event.preventDefault();
  });
}
