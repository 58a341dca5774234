/** Dialogs, menus and toasts: what lies over the page. Each gives the focus back to what had it. */

import { h, icon, iconButton } from "./dom.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {{element: HTMLDialogElement, close: (value?: any) => void, closed: Promise<any>}} Dialog */

/** The words of the overlays themselves; main.js puts the catalogue's in. */
export const overlayWords = { close: "Close", cancel: "Cancel" };

let ids = 0;

/**
 * A modal dialog. Esc, its cross and a click beside it close it; `closed` then gives the value.
 * @param {{title: string, body: Child, footer?: Child, class?: string, onclose?: (value: any) => void,
 *   returnFocus?: HTMLElement | null}} options
 * @returns {Dialog}
 */
export function openDialog({ title, body, footer, class: className = "", onclose, returnFocus }) {
  const before = returnFocus ?? document.activeElement;
  const id = `dialog-${(ids += 1)}`;
  /** @type {any} */
  let result;
  const element = h(
    "dialog",
    { class: `dialog ${className}`.trim(), "aria-labelledby": id },
    h(
      "header",
      { class: "dialog-head" },
      h("h2", { id, class: "dialog-title truncate", dir: "auto" }, title),
      iconButton({ icon: "close", label: overlayWords.close, onclick: () => element.close() }),
    ),
    h("div", { class: "dialog-body" }, body),
    footer ? h("footer", { class: "dialog-foot" }, footer) : null,
  );
  const closed = new Promise((resolve) => {
    element.addEventListener("close", () => {
      element.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      onclose?.(result);
      resolve(result);
    });
  });
  closeOnBackdrop(element);
  document.body.append(element);
  element.showModal();
  focusFirst(element);
  return {
    element,
    closed,
    close(value) {
      result = value;
      element.close();
    },
  };
}

/** @param {HTMLDialogElement} element */
function closeOnBackdrop(element) {
  let pressedOutside = false;
  element.addEventListener("pointerdown", (event) => {
    pressedOutside = event.target === element;
  });
  element.addEventListener("click", (event) => {
    if (pressedOutside && event.target === element) element.close();
  });
}

/** The first field, else the first button of the body: the cross is a poor place to start. @param {HTMLElement} element */
function focusFirst(element) {
  const field =
    element.querySelector("[autofocus]") ??
    element.querySelector(".dialog-body :is(input:not([type=hidden]), select, textarea)");
  const other = element.querySelector(
    ".dialog-foot .button-primary, .dialog-foot .button-danger, .dialog-body :is(button, a[href])",
  );
  const target = field ?? other;
  if (target instanceof HTMLElement) target.focus();
}

/**
 * @param {{title: string, text: Child, action: string, danger?: boolean, cancel?: string}} options
 * @returns {Promise<boolean>}
 */
export async function confirmDialog({ title, text, action, danger = false, cancel = overlayWords.cancel }) {
  const yes = h(
    "button",
    { type: "button", class: danger ? "button button-danger" : "button button-primary" },
    action,
  );
  const no = h("button", { type: "button", class: "button" }, cancel);
  const dialog = openDialog({ title, class: "dialog-small", body: h("p", null, text), footer: [no, yes] });
  yes.addEventListener("click", () => dialog.close(true));
  no.addEventListener("click", () => dialog.close(false));
  return (await dialog.closed) === true;
}

/**
 * @typedef {{label: Child, icon?: string, onclick?: () => void, danger?: boolean, checked?: boolean, hint?: string,
 *   disabled?: boolean}} MenuItem
 */

/** @type {(() => void) | null} */
let closeOpenMenu = null;

/**
 * A menu at an element or a point. Arrow keys, Home, End, first letters, Esc.
 * @param {Element | {x: number, y: number}} anchor
 * @param {(MenuItem | "line" | null | false | undefined)[]} items
 * @param {{align?: "start" | "end", label?: string, head?: Child}} [options]
 */
export function openMenu(anchor, items, { align = "start", label = "", head } = {}) {
  closeOpenMenu?.();
  const before = document.activeElement;
  const layer = anchor instanceof Element ? (anchor.closest("dialog") ?? document.body) : document.body;
  const element = h("div", { class: "menu", role: "menu", "aria-label": label, tabindex: "-1" });
  const cover = h("div", { class: "menu-cover" });

  /** @param {boolean} [giveBack] */
  const close = (giveBack = true) => {
    if (!element.isConnected) return;
    element.remove();
    cover.remove();
    removeEventListener("resize", leave);
    if (anchor instanceof Element) anchor.removeAttribute("aria-expanded");
    closeOpenMenu = null;
    if (giveBack && before instanceof HTMLElement && before.isConnected)
      before.focus({ preventScroll: true });
  };
  const leave = () => close();

  if (head) element.append(h("div", { class: "menu-head" }, head));
  for (const item of items) if (item) element.append(menuRow(item, close));
  cover.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    close();
  });
  element.addEventListener("keydown", (event) => menuKey(event, element, close));
  layer.append(cover, element);
  if (anchor instanceof Element) anchor.setAttribute("aria-expanded", "true");
  placeBeside(element, anchor, align);
  addEventListener("resize", leave);
  closeOpenMenu = leave;
  const first = element.querySelector("[role^=menuitem]");
  (first instanceof HTMLElement ? first : element).focus({ preventScroll: true });
  return { element, close };
}

/** @param {MenuItem | "line"} item @param {() => void} close */
function menuRow(item, close) {
  if (item === "line") return h("div", { class: "menu-line", role: "separator" });
  const checkable = item.checked !== undefined;
  return h(
    "button",
    {
      type: "button",
      class: item.danger ? "menu-item is-danger" : "menu-item",
      role: checkable ? "menuitemradio" : "menuitem",
      "aria-checked": checkable ? String(item.checked) : null,
      tabindex: "-1",
      disabled: item.disabled === true,
      onclick: () => {
        close();
        item.onclick?.();
      },
    },
    item.icon ? icon(item.icon) : null,
    h("span", { class: "truncate grow" }, item.label),
    item.hint ? h("kbd", { class: "kbd" }, item.hint) : null,
    item.checked ? icon("check", "menu-check") : null,
  );
}

/** @param {KeyboardEvent} event @param {HTMLElement} menu @param {() => void} close */
function menuKey(event, menu, close) {
  const rows = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role^=menuitem]:not(:disabled)")]);
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const go = /** @param {number} to */ (to) => rows[(to + rows.length) % rows.length]?.focus();
  if (event.key === "ArrowDown") go(at + 1);
  else if (event.key === "ArrowUp") go(at < 0 ? rows.length - 1 : at - 1);
  else if (event.key === "Home") go(0);
  else if (event.key === "End") go(rows.length - 1);
  else if (event.key === "Escape" || event.key === "Tab") close();
  else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey) {
    const letter = event.key.toLowerCase();
    const found = [...rows.slice(at + 1), ...rows].find((row) =>
      row.textContent?.trim().toLowerCase().startsWith(letter),
    );
    found?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/**
 * Below the anchor where there is room, else above; never over the edge of the window.
 * @param {HTMLElement} element
 * @param {Element | {x: number, y: number}} anchor
 * @param {"start" | "end"} align
 */
export function placeBeside(element, anchor, align = "start") {
  const box =
    anchor instanceof Element ? anchor.getBoundingClientRect() : new DOMRect(anchor.x, anchor.y, 0, 0);
  const { offsetWidth: width, offsetHeight: height } = element;
  const gap = 4;
  const toLeft = (align === "end") !== (getComputedStyle(element).direction === "rtl");
  const x = toLeft ? box.right - width : box.left;
  const below = box.bottom + gap;
  const y = below + height <= innerHeight - 8 ? below : box.top - gap - height;
  element.style.setProperty("left", `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`);
  element.style.setProperty("top", `${Math.max(8, Math.min(y, innerHeight - height - 8))}px`);
}

/** @type {HTMLElement | null} */
let toasts = null;

/**
 * A short word at the lower edge; a live region says it too.
 * @param {string} text
 * @param {{action?: {label: string, onclick: () => void}, kind?: "plain" | "error", seconds?: number}} [options]
 */
export function toast(text, { action, kind = "plain", seconds = action || kind === "error" ? 8 : 4 } = {}) {
  toasts ??= h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  // A modal dialog makes all else inert and covers it: a toast belongs into the topmost one.
  ([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body).append(toasts);
  // Said again, it is said once.
  for (const other of toasts.children) if (other.textContent?.startsWith(text)) other.remove();
  const element = h(
    "div",
    { class: kind === "error" ? "toast is-error" : "toast" },
    icon(kind === "error" ? "warning" : "check"),
    h("span", { class: "toast-text", dir: "auto" }, text),
    action
      ? h(
          "button",
          { type: "button", class: "toast-action", onclick: () => (element.remove(), action.onclick()) },
          action.label,
        )
      : null,
  );
  toasts.append(element);
  setTimeout(() => element.remove(), seconds * 1000);
}
