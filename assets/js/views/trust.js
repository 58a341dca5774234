/** The page for a new device: it tests whether HTTPS works here, shows what to do until it does, and leads there. */

import { h, icon, replace } from "../lib/dom.js";
import { t } from "../text/words/trust.js";
import { createDevices } from "./trust_devices.js";

/**
 * @typedef {import("../actions/trust.js").Trust} Trust
 * @typedef {import("../net/http.js").About} About
 * @typedef {import("../text/words/trust.js").Key} Key
 */

/** Between two tests while the page is looked at, in ms. */
const AGAIN = 4000;

/** @param {HTMLElement} place @param {Trust} trust */
export async function createTrustPage(place, trust) {
  replace(place, h("div", { class: "spinner late", role: "status", "aria-label": t("loading") }));
  const about = await trust.about();
  if (!about) return replace(place, noAnswer(() => createTrustPage(place, trust)));
  document.title = t("title");
  const open = !trust.secure && about.encrypts;
  const status = h("div", { class: "trust-status", role: "status" });
  const help = h("div", { class: "trust-help" });
  replace(
    place,
    h(
      "div",
      { class: "entrance-card trust" },
      h(
        "header",
        { class: "entrance-head" },
        h("span", { class: "entrance-badge", "aria-hidden": "true" }, icon("shield")),
        h("h1", null, t("title")),
        h("p", null, t("lead", { server: about.name })),
      ),
      status,
      help,
    ),
  );
  if (trust.secure) tell(status, "good", "secure", "secure_hint", openChat());
  else if (!about.encrypts) tell(status, "bad", "off", "off_hint", openChat());
  if (about.authority) replace(help, steps(about.authority), elsewhere(about));
  if (open) keepTesting(about, trust, status, help);
}

/**
 * Tests until it works, whenever the page is looked at: the certificate is installed somewhere else meanwhile.
 * @param {About} about @param {Trust} trust @param {HTMLElement} status @param {HTMLElement} help
 */
function keepTesting(about, trust, status, help) {
  let passed = false;
  let busy = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const test = async () => {
    clearTimeout(timer);
    if (passed || busy || document.hidden) return;
    busy = true;
    passed = await trust.test(about);
    busy = false;
    if (passed) {
      help.hidden = true;
      return tell(status, "good", "passed", about.me ? "passed_hint" : "passed_hint_out", go(about, trust));
    }
    if (about.authority) tell(status, "wait", "failed", "failed_hint");
    else tell(status, "bad", "uncovered", "uncovered_hint");
    timer = setTimeout(test, AGAIN);
  };
  document.addEventListener("visibilitychange", test);
  addEventListener("focus", test);
  tell(status, "wait", "testing");
  test();
}

/**
 * Says how things are; nothing is said twice.
 * @param {HTMLElement} status @param {"good" | "wait" | "bad"} mood @param {Key} text @param {Key} [hint]
 * @param {HTMLElement} [action]
 */
function tell(status, mood, text, hint, action) {
  if (status.dataset.says === text) return;
  status.dataset.says = text;
  status.dataset.mood = mood;
  const mark = { good: "check", wait: "clock", bad: "warning" }[mood];
  replace(
    status,
    icon(mark),
    h("div", null, h("b", null, t(text)), hint ? h("p", null, t(hint)) : null),
    action ?? null,
  );
}

/** @param {About} about @param {Trust} trust */
function go(about, trust) {
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const button = h(
    "button",
    {
      type: "button",
      class: "button button-primary button-wide",
      onclick: async () => {
        button.disabled = true;
        problem.hidden = true;
        try {
          location.assign(await trust.leave(about));
        } catch (error) {
          const { code } = /** @type {{code?: string}} */ (error);
          problem.textContent = t(code === "too_large" ? "too_much" : "not_moved");
          problem.hidden = false;
          button.disabled = false;
        }
      },
    },
    icon("lock"),
    t("go"),
  );
  return h("div", { class: "trust-go" }, button, problem);
}

function openChat() {
  return h("a", { class: "button", href: "/" }, t("open"));
}

/** @param {NonNullable<About["authority"]>} authority */
function steps({ name, fingerprint, thumbprint }) {
  const line = (/** @type {Key} */ label, /** @type {string} */ text) =>
    h("div", null, h("dt", null, t(label)), h("dd", { class: "fingerprint", dir: "ltr" }, breakable(text)));
  return [
    h("section", null, h("h2", null, t("steps")), createDevices(name), h("p", { class: "field-hint" }, t("still"))),
    h(
      "section",
      null,
      h("h2", null, t("compare")),
      h("p", null, t("compare_hint")),
      h("dl", null, line("fingerprint", fingerprint), line("thumbprint", thumbprint)),
    ),
    h(
      "section",
      null,
      h("h2", null, t("limits")),
      h("ul", null, [t("limits_1"), t("limits_2"), t("limits_3")].map((text) => h("li", null, text))),
    ),
  ];
}

/** It may break after each colon. @param {string} text */
function breakable(text) {
  return text.split(/(?<=:)/).map((pair) => [pair, h("wbr", null)]);
}

/** @param {About} about */
function elsewhere({ address }) {
  if (!address) return null;
  return h(
    "section",
    { class: "trust-elsewhere" },
    h("img", { class: "qr", src: "/trust/qr.svg", alt: t("qr"), width: 148, height: 148 }),
    h("div", null, h("h2", null, t("elsewhere")), h("p", null, t("elsewhere_hint")), h("code", { dir: "ltr" }, address)),
  );
}

/** @param {() => void} again */
function noAnswer(again) {
  return h(
    "div",
    { class: "empty", role: "status" },
    icon("warning"),
    h("p", null, t("no_answer")),
    h("button", { type: "button", class: "button", onclick: again }, t("try_again")),
  );
}
