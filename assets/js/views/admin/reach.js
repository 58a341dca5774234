/** Can my colleagues reach me? The address, who has come, a sheet to hand out, and what may be in the way. */

import { Administration } from "../../actions/administration.js";
import { h, icon, replace } from "../../lib/dom.js";
import { toast } from "../../lib/overlay.js";
import { qrCode } from "../../lib/picture.js";
import { t } from "../../text/words/admin.js";
import { attempt, lazily, loadInto, secretField } from "../parts.js";
import { commandLine, part, state } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Reach} Reach
 * @typedef {import("../../protocol/types.js").FirewallGuide} FirewallGuide
 */

/** Between two looks at whether somebody has come, in ms. */
const AGAIN = 5000;

/** @param {App} app */
export function create(app) {
  const admin = new Administration(app.actions);
  const element = h("div", { class: "admin-parts" });
  loadInto(
    element,
    async () => {
      const reach = await admin.reach();
      const address = reach.addresses[0];
      return { reach, code: address ? await admin.qr(address) : null };
    },
    ({ reach, code }) => replace(element, drawn(app, admin, reach, code)),
  );
  return element;
}

/** @param {App} app @param {Administration} admin @param {Reach} reach @param {string[] | null} code */
function drawn(app, admin, reach, code) {
  const [address, ...others] = reach.addresses;
  if (!address || !code) return part(t("reach.title"), null, state("bad", t("reach.none")));
  const status = h("div");
  const firewall = firewallPart(admin, reach);
  follow(admin, reach, status, firewall);
  const sheet = h(
    "button",
    {
      type: "button",
      class: "button",
      onclick: () => lazily(import("./sheet.js"), ({ openSheet }) => openSheet(app, admin, address)),
    },
    icon("file"),
    t("reach.sheet_make"),
  );
  return [
    part(
      t("reach.title"),
      t("reach.lead"),
      h(
        "div",
        { class: "reach" },
        qrCode(code, t("reach.qr")),
        h(
          "div",
          { class: "reach-text" },
          secretField(address, t("reach.title"), { focus: false }),
          h("p", { class: "field-hint" }, t("reach.scan")),
          others.length
            ? h(
                "details",
                null,
                h("summary", null, t("reach.others")),
                h("ul", { class: "reach-others" }, others.map((each) => h("li", null, h("code", { dir: "ltr" }, each)))),
              )
            : null,
        ),
      ),
      status,
    ),
    part(t("reach.sheet"), t("reach.sheet_lead"), h("div", null, sheet)),
    firewall,
  ];
}

/**
 * Somebody may come while the admin looks on. Who is late opens the steps.
 * @param {Administration} admin @param {Reach} first @param {HTMLElement} status @param {HTMLElement} firewall
 */
function follow(admin, first, status, firewall) {
  /** @param {Reach} reach */
  const draw = ({ devices, late }) => {
    const mood = devices ? "good" : late ? "bad" : "wait";
    if (status.dataset.says === `${mood} ${devices}`) return;
    status.dataset.says = `${mood} ${devices}`;
    replace(
      status,
      devices
        ? state("good", t("reach.devices", { n: devices }))
        : late
          ? state("bad", t("reach.late"), h("p", null, t("reach.late_hint")))
          : state("wait", t("reach.waiting")),
    );
    if (late) for (const details of firewall.querySelectorAll("details.is-here")) details.setAttribute("open", "");
  };
  const look = async () => {
    if (!status.isConnected) return;
    if (!document.hidden) {
      const reach = await admin.reach().catch(() => null);
      if (reach) draw(reach);
    }
    setTimeout(look, AGAIN);
  };
  draw(first);
  setTimeout(look, AGAIN);
}

/** @param {Administration} admin @param {Reach} reach */
function firewallPart(admin, { guides, here, can_open: canOpen }) {
  const own = guides.slice(0, here);
  const rest = guides.slice(here);
  return part(
    t("reach.firewall"),
    own.length ? null : t("reach.firewall_none"),
    canOpen ? openButton(admin) : null,
    own.map((guide) => guideBox(guide, true)),
    own.length
      ? h(
          "details",
          { class: "fold" },
          h("summary", null, t("reach.other_systems")),
          h("div", { class: "fold-body" }, rest.map((guide) => guideBox(guide, false))),
        )
      : rest.map((guide) => guideBox(guide, false)),
    h(
      "div",
      { class: "note" },
      h("b", null, t("reach.isolation")),
      h("p", null, t("reach.isolation_hint")),
    ),
    h("div", { class: "note" }, h("p", null, t("reach.console")), commandLine("chatbox firewall")),
  );
}

/** @param {FirewallGuide} guide @param {boolean} isHere */
function guideBox({ name, steps }, isHere) {
  return h(
    "details",
    { class: isHere ? "fold is-here" : "fold" },
    h("summary", null, name),
    h(
      "ol",
      { class: "steps fold-body" },
      steps.map(({ text, command }) => h("li", null, h("p", null, text), command ? commandLine(command) : null)),
    ),
  );
}

/** @param {Administration} admin */
function openButton(admin) {
  const button = h(
    "button",
    {
      type: "button",
      class: "button button-primary",
      onclick: async () => {
        button.disabled = true;
        const done = await attempt(admin.openFirewall().then(() => true));
        button.disabled = false;
        if (done) toast(t("reach.opened"));
      },
    },
    icon("shield"),
    t("reach.open"),
  );
  return h("div", { class: "reach-open" }, button, h("span", { class: "field-hint" }, t("reach.open_hint")));
}
