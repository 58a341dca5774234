/** What this program is, and what it is made of. */

import { Administration } from "../../actions/administration.js";
import { h, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { t } from "../../text/words/admin.js";
import { loadInto } from "../parts.js";

/** @param {import("../app.js").App} app */
export function openAbout(app) {
  const admin = new Administration(app.actions);
  const parts = h("div", { class: "licences" });
  openDialog({
    title: t("about.title"),
    class: "dialog-text dialog-tall",
    body: [
      h("p", null, t("about.lead", { version: app.store.server?.version ?? "" })),
      h(
        "section",
        { class: "dialog-section" },
        h("h3", null, t("about.licences")),
        h("p", { class: "dialog-lead" }, t("about.licences_lead")),
        parts,
      ),
    ],
  });
  loadInto(
    parts,
    () => admin.licences(),
    (found) =>
      replace(
        parts,
        found.map((part) => licence(admin, part)),
      ),
  );
}

/** A part of the program; its terms are fetched when they are opened. @param {Administration} admin @param {{name: string, version: string, license: string}} part */
function licence(admin, { name, version, license }) {
  const text = h("div", { class: "fold-body" });
  let asked = false;
  const open = () => {
    if (asked) return;
    asked = true;
    loadInto(
      text,
      () => admin.licence(name),
      (terms) => replace(text, h("div", { class: "long-text", dir: "ltr" }, terms)),
    );
  };
  return h(
    "details",
    { class: "fold", ontoggle: open },
    h(
      "summary",
      null,
      h("bdi", null, name),
      h("small", null, [version, license].filter(Boolean).join(" · ")),
    ),
    text,
  );
}
