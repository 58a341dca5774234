/** Files of a message as pictures and cards, and the tray of those that are on their way. */

import { h, icon, iconButton } from "../../lib/dom.js";
import { fileSize, fileUrl, isImage } from "../../text/links.js";
import { explain, t } from "../../text/words/index.js";
import { fitted } from "./rows.js";

/**
 * @typedef {import("../../protocol/types.js").FileInfo} FileInfo
 * @typedef {import("../app.js").App} App
 * @typedef {{file: File, name: string, state: "going" | "done" | "failed", done: number, words: string, lost: boolean, info?: FileInfo,
 *   abort: () => void, element: HTMLElement}} Upload `lost`: failed, and trying again would not help
 */

/** As many files as one message may carry (`message.post`). */
const MOST = 10;
/** The server takes no more uploads of one person at once. */
const AT_ONCE = 3;

/** @param {FileInfo[]} files */
export function fileList(files) {
  return h("ul", { class: "attachments" }, files.map((file) => h("li", { class: "attachment" }, isImage(file) ? picture(file) : card(file))));
}

/** @param {FileInfo} file */
function picture(file) {
  const { width, height } = fitted(file);
  const image = h("img", { src: fileUrl(file), alt: file.name, width, height, loading: "lazy", decoding: "async", draggable: "false" });
  // Its place is kept even where the file turns out to have another shape than was said.
  image.style.setProperty("aspect-ratio", `${width} / ${height}`);
  image.addEventListener("error", () => button.replaceWith(card(file)));
  const button = h("button", { type: "button", class: "attachment-image", "aria-label": t("message.image", { name: file.name }), onclick: () => openLightbox(file) }, image);
  return button;
}

/** @param {FileInfo} file */
function card(file) {
  return h(
    "a",
    { class: "attachment-card", href: fileUrl(file), download: file.name, title: t("message.download", { name: file.name }) },
    badge(file.name),
    h("span", { class: "attachment-text" }, h("bdi", { class: "truncate" }, file.name), h("span", { class: "attachment-size" }, fileSize(file.size))),
    icon("download"),
  );
}

/** @param {string} name */
function badge(name) {
  const ending = /\.([a-z0-9]{1,4})$/i.exec(name)?.[1]?.toUpperCase();
  return h("span", { class: "file-badge", "aria-hidden": "true" }, ending ?? icon("file"));
}

/** @param {FileInfo} file */
function openLightbox(file) {
  const before = document.activeElement;
  const close = iconButton({ icon: "close", label: t("do.close"), onclick: () => dialog.close() });
  const image = h("img", { src: fileUrl(file), alt: file.name, width: file.width, height: file.height });
  const caption = h("figcaption", null, h("bdi", { class: "truncate grow" }, file.name), h("a", { href: fileUrl(file), download: file.name }, t("do.save")), close);
  const dialog = h("dialog", { class: "lightbox", "aria-label": file.name }, h("figure", null, caption, image));
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === image) dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
}

/** The files that a room's next message will carry. They stay with their room while another is looked at. */
export class UploadTray {
  /**
   * @param {App} app
   * @param {() => void} onchange
   */
  constructor(app, onchange) {
    this.app = app;
    this.onchange = onchange;
    /** @type {Map<number, Upload[]>} by room */
    this.byRoom = new Map();
    this.room = 0;
    /** @type {Upload[]} that wait for others to end */
    this.waiting = [];
    this.running = 0;
    this.element = h("ul", { class: "upload-list", "aria-label": t("upload.tray"), hidden: true });
  }

  /** @returns {Upload[]} */
  get uploads() {
    return this.byRoom.get(this.room) ?? [];
  }

  get busy() {
    return this.uploads.some(({ state }) => state !== "done");
  }

  get size() {
    return this.uploads.length;
  }

  /** @param {number} room */
  show(room) {
    this.room = room;
    this.draw();
  }

  /** @param {Iterable<File>} files */
  add(files) {
    const uploads = [...this.uploads];
    for (const file of files) {
      /** @type {Upload} */
      const upload = { file, name: file.name || t("upload.pasted"), state: "going", done: 0, words: "", lost: false, abort: () => {}, element: h("li", { class: "upload" }) };
      uploads.push(upload);
      this.start(upload, uploads.length);
    }
    this.byRoom.set(this.room, uploads);
    this.draw();
  }

  /** @param {Upload} upload @param {number} place 1 for the first */
  start(upload, place) {
    const { limits } = this.app.store;
    upload.state = "going";
    upload.done = 0;
    if (place > MOST) return this.fail(upload, t("upload.too_many"));
    if (upload.file.size === 0) return this.fail(upload, t("upload.empty"), true);
    if (upload.file.size > limits.file_bytes) return this.fail(upload, t("upload.too_big", { limit: fileSize(limits.file_bytes) }), true);
    this.waiting.push(upload);
    this.drawOne(upload);
    this.next();
  }

  /** Send what waits, as many as may go at once. */
  next() {
    while (this.running < AT_ONCE) {
      const upload = this.waiting.shift();
      if (!upload) return;
      this.send(upload);
    }
  }

  /** @param {Upload} upload */
  send(upload) {
    const onprogress = (/** @type {number} */ share) => {
      upload.done = share;
      drawProgress(upload);
    };
    const done = (/** @type {FileInfo} */ info) => {
      upload.info = info;
      upload.state = "done";
      this.drawOne(upload);
    };
    const failed = (/** @type {any} */ error) => {
      if (error.code !== "aborted") this.fail(upload, explain(error), error.code === "too_large");
    };
    const { promise, abort } = this.app.actions.messages.upload(upload.file, upload.name, { onprogress });
    upload.abort = abort;
    this.running += 1;
    promise.then(done, failed).finally(() => {
      this.running -= 1;
      this.next();
    });
  }

  /** @param {Upload} upload @param {string} words @param {boolean} [lost] */
  fail(upload, words, lost = false) {
    upload.state = "failed";
    upload.lost = lost;
    upload.words = words;
    this.drawOne(upload);
  }

  /** @param {Upload} upload */
  drop(upload) {
    this.waiting = this.waiting.filter((one) => one !== upload);
    upload.abort();
    for (const [room, uploads] of this.byRoom) this.byRoom.set(room, uploads.filter((one) => one !== upload));
    this.draw();
  }

  /** The uploaded files, and an empty tray. @returns {FileInfo[]} */
  take() {
    const files = this.uploads.flatMap(({ info }) => (info ? [info] : []));
    this.byRoom.delete(this.room);
    this.draw();
    return files;
  }

  draw() {
    this.element.replaceChildren(...this.uploads.map(({ element }) => element));
    this.element.hidden = !this.uploads.length;
    this.onchange();
  }

  /** @param {Upload} upload */
  drawOne(upload) {
    const { element, state, name, file, words, lost, done } = upload;
    const told = state === "failed" ? words : state === "done" ? fileSize(file.size) : percent(done);
    const retry = () => this.start(upload, this.uploads.indexOf(upload) + 1);
    const again = state === "failed" && !lost ? iconButton({ icon: "refresh", label: t("do.try_again"), onclick: retry }) : null;
    const drop = iconButton({ icon: "close", label: t(state === "going" ? "upload.cancel" : "upload.remove", { name }), onclick: () => this.drop(upload) });
    const progress = state === "going" ? h("span", { class: "upload-progress", role: "progressbar", "aria-label": name }) : null;
    element.classList.toggle("is-failed", state === "failed");
    element.title = `${name} ${told}`;
    const text = h("span", { class: "upload-text" }, h("bdi", { class: "truncate" }, name), h("span", { class: "upload-state truncate" }, told));
    element.replaceChildren(...[badge(name), text, again, drop, progress].filter((node) => node !== null));
    drawProgress(upload);
    this.onchange();
  }
}

/** Only what moves, so that the buttons keep the focus. @param {Upload} upload */
function drawProgress({ element, state, done }) {
  const bar = element.querySelector(".upload-progress");
  const told = element.querySelector(".upload-state");
  if (state !== "going" || !(bar instanceof HTMLElement) || !told) return;
  bar.style.setProperty("--done", String(done));
  bar.setAttribute("aria-valuenow", String(Math.floor(done * 100)));
  told.textContent = percent(done);
}

/** @param {number} share */
function percent(share) {
  return `${Math.floor(share * 100)} %`;
}
