/** Thin bars across the top: the connection in words, a notice about one's account, a new version of the page. */

import { h, icon, replace } from "../lib/dom.js";
import { relative } from "../text/dates.js";
import { label } from "../text/names.js";
import { t } from "../text/words/index.js";
import { attempt, lazily } from "./parts.js";

/** @typedef {import("./app.js").App} App */

/** A hiccup shorter than this is not worth a word. In ms. */
const PATIENCE = 1500;

/** @param {App} app @returns {HTMLElement[]} */
export function createBars(app) {
  return [connectionBar(app), machineBar(app), noticeBar(app), versionBar(app)];
}

/** @param {App} app */
function connectionBar(app) {
  const { store, actions } = app;
  // What is announced has no countdown in it; what is seen has.
  const spoken = h("span", { class: "visually-hidden", role: "status" });
  const words = h("span", { "aria-hidden": "true" });
  const tryNow = h(
    "button",
    { type: "button", class: "bar-action", onclick: () => actions.retryNow() },
    t("connection.try_now"),
  );
  const moved = h("a", { class: "bar-action" }, t("connection.moved_open"));
  const bar = h("div", { class: "bar is-warning", hidden: true }, icon("warning"), words, tryNow, moved);
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let ticking;

  const draw = () => {
    const { state, retryAt, since, moved: address } = store.connection;
    const away = state !== "online" && state !== "signed_out";
    const shown = away && since !== null && Date.now() - since >= PATIENCE;
    const seconds = retryAt === null ? 0 : Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
    const text =
      state === "waiting" && seconds
        ? t("connection.offline_in", { n: seconds })
        : t("connection.connecting");
    bar.hidden = !shown;
    replace(words, address ? t("connection.moved") : text);
    tryNow.hidden = state !== "waiting" || address !== null;
    moved.hidden = address === null;
    if (address) moved.setAttribute("href", address);
    const said = shown
      ? address
        ? t("connection.moved")
        : t("connection.offline")
      : spoken.textContent
        ? t("connection.back")
        : "";
    if (spoken.textContent !== said) spoken.textContent = said;
    if (away && ticking === undefined) ticking = setInterval(draw, 250);
    else if (!away && ticking !== undefined) {
      clearInterval(ticking);
      ticking = undefined;
    }
  };
  store.on("connection", draw);
  draw();
  return h("div", null, spoken, bar);
}

/** @param {App} app */
function noticeBar(app) {
  const { store, actions } = app;
  const bar = h("div", { class: "bar", role: "status", hidden: true });
  const draw = () => {
    const notice = store.me?.notice;
    bar.hidden = !notice;
    if (!notice) return;
    replace(
      bar,
      icon(["address", "local_name", "neighbour", "proxy"].includes(notice.kind) ? "warning" : "shield"),
      h("span", { dir: "auto" }, noticeText(app, notice)),
      notice.kind === "address" ? keepButton(notice.url ?? "") : null,
      notice.kind === "neighbour" ? settingsButton(app) : null,
      h(
        "button",
        { type: "button", class: "bar-action", onclick: () => attempt(actions.account.dismissNotice()) },
        t("notice.dismiss"),
      ),
    );
  };
  store.on("me", draw);
  store.on("people", draw);
  draw();
  return bar;
}

/** What an admin should know of the machine, until it is mended. @param {App} app */
function machineBar(app) {
  const bar = h("div", { class: "bar is-warning", role: "status", hidden: true });
  const draw = () => {
    const words = app.store.notices.map(machineWords).filter((text) => text !== "");
    bar.hidden = words.length === 0;
    replace(bar, icon("warning"), h("span", { dir: "auto" }, words.join(" ")));
  };
  app.store.on("notices", draw);
  draw();
  return bar;
}

/** @param {import("../protocol/types.js").Notice} notice @returns {string} "" for a kind that is not known here */
function machineWords({ kind, ...facts }) {
  if (kind === "disk_low") return t(facts.uploads_stopped ? "notice.disk_full" : "notice.disk_low", { n: facts.percent });
  if (kind === "backup_failed") return t("notice.backup_failed", { message: facts.message });
  return "";
}

/** @param {string} url */
function keepButton(url) {
  const open = () => lazily(import("./dialogs/address.js"), ({ openKeepAddress }) => openKeepAddress(url));
  return h("button", { type: "button", class: "bar-action", onclick: open }, t("notice.address_keep"));
}

/** @param {App} app */
function settingsButton(app) {
  const open = () => app.go({ page: "admin", section: "settings" });
  return h("button", { type: "button", class: "bar-action", onclick: open }, t("notice.neighbour_open"));
}

/** @param {App} app @param {import("../protocol/types.js").AccountNotice} notice */
function noticeText({ store }, { kind, by, at, url = "", old = "", name = "", address = "", network = "" }) {
  if (kind === "address") return t("notice.address", { url, old });
  if (kind === "local_name") return t("notice.local_name", { name, address });
  if (kind === "neighbour") return t("notice.neighbour", { address, network });
  if (kind === "proxy") return t("notice.proxy", { address });
  const words = {
    by: by ? label(store.people.get(by)) : t("notice.console"),
    when: relative(at, Date.now()),
  };
  if (kind === "password_link") return t("notice.password_link", words);
  if (kind !== "role") return t("notice.other", words);
  return t(store.me?.role === "admin" ? "notice.role_admin" : "notice.role_member", words);
}

/** @param {App} app */
function versionBar(app) {
  const bar = h(
    "div",
    { class: "bar", role: "status", hidden: !app.store.stale },
    icon("refresh"),
    t("app.new_version"),
    h("button", { type: "button", class: "bar-action", onclick: () => location.reload() }, t("app.reload_now")),
  );
  const draw = () => {
    bar.hidden = !app.store.stale;
    if (app.store.stale && mayReload(app)) location.reload();
  };
  app.store.on("version", draw);
  document.addEventListener("visibilitychange", draw);
  return bar;
}

/** Only unseen, with nothing half written: nobody should notice it. @param {App} app */
function mayReload(app) {
  const room = app.store.open?.room;
  const writing =
    document.activeElement instanceof HTMLTextAreaElement && document.activeElement.value !== "";
  return (
    document.hidden &&
    !writing &&
    app.store.outbox.size === 0 &&
    !document.querySelector("dialog[open], .upload, .composer-bar:not([hidden])") &&
    !(room && app.store.preferences.draft(room))
  );
}
