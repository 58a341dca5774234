/** Where a message is written: draft, edit, reply, files. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { toast } from "../../lib/overlay.js";
import { debounce } from "../../lib/time.js";
import { label } from "../../text/names.js";
import { bytes, charactersLeft } from "../../text/parts.js";
import { explain, t } from "../../text/words/index.js";
import { roomTitle } from "../parts.js";
import { UploadTray } from "./attachments.js";
import { Completion } from "./completion.js";
import { shortText } from "./message.js";

/**
 * @typedef {import("../../protocol/types.js").Message} Message
 * @typedef {import("../app.js").App} App
 * @typedef {{kind: "edit" | "reply", message: Message} | null} Aim what is written besides a new message
 */

/** From this share of the limit on, what is left of it is shown. */
const NEAR_LIMIT = 0.9;

export class Composer {
  /**
   * @param {App} app
   * @param {{posted: () => void, aimed: () => void}} room `aimed`: another message is edited, or none
   */
  constructor(app, room) {
    this.app = app;
    this.on = room;
    this.room = 0;
    /** @type {Aim} */
    this.aim = null;
    this.input = h("textarea", { class: "composer-input", rows: "1", dir: "auto", autocomplete: "off", enterkeyhint: "enter" });
    this.grow = h("div", { class: "composer-grow" }, this.input);
    this.completion = new Completion(app, this.input);
    this.tray = new UploadTray(app, () => this.draw());
    this.picker = h("input", { type: "file", multiple: true, hidden: true });
    this.attach = iconButton({ icon: "paperclip", label: t("composer.attach"), onclick: () => this.picker.click() });
    this.send = iconButton({ icon: "send", label: t("composer.send"), class: "icon-button-primary", type: "submit" });
    this.over = false;
    this.noteText = h("span", null);
    this.note = h("div", { class: "composer-closed", hidden: true }, icon("archive"), this.noteText);
    this.bar = h("div", { class: "composer-bar", hidden: true });
    this.count = h("output", { class: "composer-count", hidden: true });
    const row = h("div", { class: "composer-row" }, this.attach, this.grow, this.send);
    this.box = h("div", { class: "composer-box" }, this.bar, this.tray.element, row);
    this.element = h("form", { class: "composer", novalidate: true }, this.completion.element, this.note, this.box, this.count, this.picker);
    this.saveDraft = debounce((/** @type {number} */ to, /** @type {string} */ text) => app.store.preferences.setDraft(to, text), 300);
    this.listen();
  }

  listen() {
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.key(event));
    for (const type of ["click", "keyup"]) {
      this.input.addEventListener(type, (event) => {
        const { key = "" } = /** @type {KeyboardEvent} */ (event);
        if (type === "click" || key === "ArrowLeft" || key === "ArrowRight") this.completion.update();
      });
    }
    this.input.addEventListener("paste", (event) => this.paste(event));
    this.picker.addEventListener("change", () => {
      this.tray.add(this.picker.files ?? []);
      this.picker.value = "";
      this.input.focus();
    });
    addEventListener("pagehide", () => this.keepDraft());
    // A press on the button must not take the focus away: on a phone that would close the keyboard.
    this.send.addEventListener("pointerdown", (event) => event.preventDefault());
  }

  /** @param {number} room */
  show(room) {
    this.keepDraft();
    this.room = room;
    this.aim = null;
    this.completion.show(room);
    this.tray.show(room);
    this.set(this.app.store.preferences.draft(room));
    this.draw();
  }

  hide() {
    this.keepDraft();
    this.room = 0;
  }

  keepDraft() {
    if (this.room && this.aim?.kind !== "edit") this.saveDraft(this.room, this.input.value);
    this.saveDraft.flush();
  }

  focus() {
    this.input.focus({ preventScroll: true });
  }

  /** Whether nothing would be lost by a reload. */
  get empty() {
    return !this.input.value && !this.tray.size;
  }

  /** @param {Message} message */
  reply(message) {
    if (this.aim?.kind === "edit") this.cancel();
    this.setAim({ kind: "reply", message });
    this.focus();
  }

  /** @param {Message} message */
  edit(message) {
    this.keepDraft();
    this.setAim({ kind: "edit", message });
    this.set(message.text);
    this.focus();
  }

  /** @param {Aim} aim */
  setAim(aim) {
    this.aim = aim;
    this.draw();
    this.on.aimed();
  }

  /** Back to a new message and its draft. */
  cancel() {
    const edited = this.aim?.kind === "edit";
    this.setAim(null);
    if (edited) this.set(this.app.store.preferences.draft(this.room));
  }

  /** @param {string} text */
  set(text) {
    this.input.value = text;
    this.input.setSelectionRange(text.length, text.length);
    this.completion.close();
    this.measure();
  }

  typed() {
    if (this.aim?.kind !== "edit") {
      this.saveDraft(this.room, this.input.value);
      if (this.input.value.trim()) this.app.actions.messages.typing(this.room);
    }
    this.completion.update();
    this.measure();
  }

  /** What depends on the text's length. */
  measure() {
    this.grow.dataset.text = this.input.value;
    const limit = this.app.store.limits.text_bytes;
    const { length } = this.input.value;
    // A character has at most three bytes per UTF-16 unit: short texts need no counting.
    const short = !limit || length * 3 < limit * NEAR_LIMIT; // 0 is no limit
    const left = short ? Infinity : limit - bytes(this.input.value);
    this.over = left < 0;
    this.count.hidden = left > limit * (1 - NEAR_LIMIT);
    this.count.classList.toggle("is-over", this.over);
    if (!this.count.hidden) {
      const n = charactersLeft(this.input.value, limit);
      this.count.value = n < 0 ? t("composer.over", { n: -n }) : t("composer.left", { n });
    }
    this.drawSend();
  }

  draw() {
    const room = this.app.store.rooms.get(this.room);
    if (!room) return;
    const title = roomTitle(this.app, room);
    const name = room.kind === "direct" ? title : `#${title}`;
    this.input.placeholder = t("composer.placeholder", { room: name });
    this.input.setAttribute("aria-label", t("composer.label", { room: name }));
    this.drawBar();
    this.attach.hidden = this.aim?.kind === "edit";
    this.tray.element.hidden = !this.tray.size || this.aim?.kind === "edit";
    this.noteText.textContent = t(room.kind === "direct" ? "room.is_over" : "room.is_archived");
    this.drawClosed(Boolean(room.archived));
    this.drawSend();
  }

  drawSend() {
    const nothing = !this.input.value.trim() && (this.aim?.kind === "edit" || !this.tray.size);
    this.send.disabled = nothing || this.over || (this.tray.busy && this.aim?.kind !== "edit");
  }

  drawBar() {
    const { aim, bar } = this;
    bar.hidden = !aim;
    if (!aim) return;
    const editing = aim.kind === "edit";
    const author = this.app.store.people.get(aim.message.user);
    const words = editing
      ? h("span", { class: "truncate" }, t("composer.editing"))
      : h("span", { class: "truncate" }, h("b", null, t("message.replying", { name: label(author) })), " ", h("bdi", null, shortText(aim.message)));
    const close = iconButton({ icon: "close", label: t("do.cancel"), keys: "Esc", onclick: () => (this.cancel(), this.focus()) });
    replace(bar, icon(editing ? "edit" : "reply"), words, close);
  }

  /** An archived room is read only. @param {boolean} closed */
  drawClosed(closed) {
    this.box.hidden = closed;
    this.note.hidden = !closed;
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    // 229: an input method is composing, and some browsers say so only by this number.
    if (event.isComposing || event.keyCode === 229 || this.completion.key(event)) return;
    const touch = matchMedia("(pointer: coarse)").matches;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey && (!touch || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "Escape" && this.aim) {
      event.preventDefault();
      this.cancel();
    } else if (event.key === "ArrowUp" && this.empty && !this.aim && !event.altKey) {
      const last = this.app.actions.messages.lastOwn(this.room);
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    }
  }

  submit() {
    this.drawSend();
    if (this.send.disabled || !this.room) return;
    const text = this.input.value;
    const { aim } = this;
    if (aim?.kind === "edit") return this.saveEdit(aim.message, text);
    const files = this.tray.take();
    this.app.actions.messages.post(this.room, text, { files, replyTo: aim?.message.seq });
    this.app.store.preferences.setDraft(this.room, "");
    this.saveDraft.cancel();
    this.set("");
    this.setAim(null);
    this.on.posted();
  }

  /** @param {Message} message @param {string} text */
  saveEdit(message, text) {
    this.cancel();
    if (text === message.text) return;
    this.app.actions.messages.edit(message.room, message.seq, text).catch((/** @type {unknown} */ error) => {
      toast(explain(error), { kind: "error" });
      if (this.room !== message.room || !this.empty) return;
      this.edit(message);
      this.set(text);
    });
  }

  /** @param {ClipboardEvent} event */
  paste(event) {
    const { files, types } = event.clipboardData ?? {};
    // Offices put a picture of the text beside the text: there the text is meant.
    if (!files?.length || types?.includes("text/html") || this.aim?.kind === "edit") return;
    event.preventDefault();
    this.tray.add(files);
  }

  /**
   * Files may be dropped anywhere on an element.
   * @param {HTMLElement} zone
   */
  takeDrops(zone) {
    const overlay = h("div", { class: "drop-overlay" }, icon("paperclip"), t("composer.drop"));
    const meant = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") && !this.box.hidden;
    zone.addEventListener("dragover", (event) => {
      if (!meant(event)) return;
      event.preventDefault();
      if (!overlay.isConnected) zone.append(overlay);
    });
    zone.addEventListener("dragleave", (event) => {
      if (!(event.relatedTarget instanceof Node) || !zone.contains(event.relatedTarget)) overlay.remove();
    });
    zone.addEventListener("drop", (event) => {
      overlay.remove();
      if (!meant(event)) return;
      event.preventDefault();
      if (this.aim?.kind === "edit") this.cancel();
      this.tray.add(event.dataTransfer?.files ?? []);
      this.focus();
    });
  }
}
