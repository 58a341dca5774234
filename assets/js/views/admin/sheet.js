/** The invitation sheet: what somebody new needs, on one page of paper. */

import { h, icon, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { qrCode } from "../../lib/picture.js";
import { t } from "../../text/words/admin.js";
import { field } from "../forms.js";
import { attempt, moment, serverBadge } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../actions/administration.js").Administration} Administration
 * @typedef {import("../../net/http.js").About} About
 * @typedef {{server: string, badge: Node, address: string, code: string[], wifi: string, until: number | null,
 *   authority: About["authority"]}} Sheet `code`: of the address, or of the invitation until then
 */

/** For how many days an invitation on a sheet may hold. */
const DAYS = [7, 30, 90];

/**
 * @param {App} app
 * @param {Administration} admin
 * @param {string} address
 */
export async function openSheet(app, admin, address) {
  const about = await app.trust.about();
  const plain = await attempt(admin.qr(address));
  if (!plain) return;
  /** @type {{code: string[], until: number | null}} */
  let shown = { code: plain, until: null };
  const paper = h("div", { class: "sheet-frame" });
  const wifi = field({
    name: "wifi",
    label: t("sheet.wifi"),
    hint: t("sheet.wifi_hint"),
    attributes: { maxlength: 32, autocomplete: "off" },
  });
  const draw = () => {
    const { server } = app.store;
    const badge = serverBadge(server);
    const name = server?.name ?? t("app.name");
    const authority = about?.authority;
    replace(paper, sheet({ server: name, badge, address, wifi: wifi.input.value.trim(), authority, ...shown }));
  };
  wifi.input.addEventListener("input", draw);
  const print = h(
    "button",
    { type: "button", class: "button button-primary", onclick: () => printOut(paper) },
    icon("print"),
    t("sheet.print"),
  );
  const link = linkField(app, async (url, until) => {
    const code = url ? await attempt(admin.qr(url)) : plain;
    if (code) shown = { code, until };
    draw();
  });
  draw();
  openDialog({
    title: t("sheet.title"),
    class: "dialog-sheet",
    body: [h("div", { class: "form-pair" }, wifi.element, link), paper],
    footer: print,
  });
}

/**
 * Where people need an invitation, the sheet carries one. It is made when it is asked for.
 * @param {App} app @param {(url: string | null, until: number | null) => void} take
 */
function linkField(app, take) {
  if (app.store.join === "closed") return null;
  const days = field({
    name: "days",
    label: t("sheet.link"),
    value: "",
    options: [
      { value: "", label: t("sheet.link_none") },
      ...DAYS.map((n) => ({ value: String(n), label: t("invite.days_n", { n }) })),
    ],
  });
  days.input.addEventListener("change", async () => {
    if (!days.input.value) return take(null, null);
    const made = await attempt(app.actions.server.createInvite({ days: Number(days.input.value) }));
    if (made) take(made.url, made.invite.expires);
    else days.input.value = "";
  });
  return days.element;
}

/** @param {Sheet} content */
function sheet({ server, badge, address, code, wifi, until, authority }) {
  const step = (/** @type {string} */ title, /** @type {import("../../lib/dom.js").Child} */ body) =>
    h("li", null, h("b", null, title), body);
  return h(
    "article",
    { class: "sheet" },
    h("header", null, badge, h("h2", { dir: "auto" }, t("sheet.heading", { server }))),
    h(
      "ol",
      { class: "sheet-steps" },
      wifi
        ? step(t("sheet.step_wifi"), h("p", { class: "sheet-big", dir: "auto" }, wifi))
        : step(t("sheet.step_network"), null),
      step(t(until ? "sheet.step_scan" : "sheet.step_open"), [
        qrCode(code, t("sheet.qr")),
        until ? h("p", null, t("sheet.until", { when: moment(until) })) : null,
        h("p", { class: "sheet-big", dir: "ltr" }, address),
      ]),
      step(t("sheet.step_join"), h("p", null, t("sheet.step_join_hint"))),
    ),
    h("p", { class: "sheet-limits" }, t("sheet.limits")),
    authority
      ? h(
          "footer",
          null,
          h("p", null, t("sheet.fingerprint", { address: `${address.replace(/^https:/, "http:")}/trust` })),
          h("code", { dir: "ltr" }, breakable(authority.fingerprint)),
        )
      : null,
  );
}

/** It may break after each colon. @param {string} text */
function breakable(text) {
  return text.split(/(?<=:)/).map((pair) => [pair, h("wbr", null)]);
}

/** Only the sheet goes to the printer: a copy of it beside the page, for as long as that takes. @param {HTMLElement} paper */
function printOut(paper) {
  const copy = h("div", { class: "print-only" }, paper.firstElementChild?.cloneNode(true));
  document.body.append(copy);
  addEventListener("afterprint", () => copy.remove(), { once: true });
  print();
}
