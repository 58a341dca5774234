/** What the sections are built of. */

import { h, icon, iconButton } from "../../lib/dom.js";
import { copyText } from "../parts.js";
import { t } from "../../text/words/admin.js";

/** @typedef {import("../../lib/dom.js").Child} Child */

/**
 * @param {string} title
 * @param {string | null} lead
 * @param {...Child} body
 */
export function part(title, lead, ...body) {
  return h(
    "section",
    { class: "page-section" },
    h("div", { class: "page-section-head" }, h("h2", null, title), lead ? h("p", null, lead) : null),
    ...body,
  );
}

/**
 * Names and what they are, in two columns.
 * @param {[string, Child][]} pairs
 */
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value))),
  );
}

/** A command to type somewhere, with a button that copies it. @param {string} text */
export function commandLine(text) {
  return h(
    "div",
    { class: "command" },
    h("code", { dir: "ltr" }, text.split(" ").flatMap((word, place) => [place ? " " : "", h("span", null, word)])),
    iconButton({ icon: "copy", label: t("do.copy"), onclick: () => copyText(text) }),
  );
}

/**
 * How things are, in a box: good, in between or bad.
 * @param {"good" | "wait" | "bad"} mood
 * @param {string} text
 * @param {...Child} more
 */
export function state(mood, text, ...more) {
  const mark = { good: "check", wait: "clock", bad: "warning" }[mood];
  return h(
    "div",
    { class: "state", role: "status", dataset: { mood } },
    icon(mark),
    h("div", null, h("b", null, text), ...more),
  );
}
