/** What an admin does about an address that changes: have the router keep it. */

import { h } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { t } from "../../text/words/index.js";

/** @typedef {import("../../text/words/index.js").Key} Key */

const STEPS = /** @type {Key[]} */ (["keep.1", "keep.2", "keep.3", "keep.4"]);

/** @param {string} url the address that should stay */
export function openKeepAddress(url) {
  const host = URL.canParse(url) ? new URL(url).hostname : url;
  openDialog({
    title: t("keep.title"),
    class: "keep-address",
    body: [
      h("p", null, t("keep.why")),
      h("ol", null, STEPS.map((key) => h("li", null, t(key, { host })))),
      h("p", null, t("keep.else")),
    ],
  });
}
