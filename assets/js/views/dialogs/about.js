/** What this program is. */

import { h } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { t } from "../../text/words/admin.js";

/** @param {import("../app.js").App} app */
export function openAbout(app) {
  openDialog({
    title: t("admin.about"),
    body: h("p", null, t("about.lead", { version: app.store.server?.version ?? "" })),
  });
}
