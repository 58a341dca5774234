/** The first page of whoever comes with a sign-in from elsewhere: from HTTP, or from the code on another screen. */

import { h, icon, replace } from "../lib/dom.js";
import { CommandError } from "../protocol/errors.js";
import { explain, t } from "../text/words/index.js";
import { card } from "./entrance.js";
import { form } from "./forms.js";

/**
 * @typedef {import("./entrance.js").Actions} Actions
 * @typedef {import("../protocol/types.js").LinkInfo} LinkInfo
 */

/**
 * The secret is spent by a tap, after it was said whose sign-in it is: whoever follows somebody's link must not find
 * themselves signed in as that one unawares.
 *
 * @param {{actions: Actions}} client
 * @param {{move: string, kept?: string}} secret with what the page has kept at the other address
 * @param {() => void} done
 */
export async function createMove({ actions }, { move: secret, kept }, done) {
  /** @type {unknown} */
  let problem = null;
  const link = await actions.account.checkLink(secret).catch((error) => {
    problem = error;
    return null;
  });
  const element = h("main", { class: "entrance" });
  if (link?.kind === "move" && link.phone) replace(element, phoneCard(actions, secret, link, done));
  else replace(element, await moveCard(actions, { secret, kept }, link?.kind === "move" ? link : null, problem, done));
  return { element };
}

/**
 * @param {Actions} actions
 * @param {{secret: string, kept?: string}} carried
 * @param {LinkInfo | null} link
 * @param {unknown} problem
 * @param {() => void} done
 */
async function moveCard(actions, { secret, kept }, link, problem, done) {
  const name = link?.by ?? "";
  const moved = kept !== undefined; // from an address that is gone, which may be over HTTP as before
  const offline = problem instanceof CommandError && !["not_found", "bad_request"].includes(problem.code);
  const { element: body } = form({
    fields: [],
    wide: true,
    submit: name ? t("move.submit", { name }) : t(offline ? "do.try_again" : "move.to_sign_in"),
    body: null,
    onsubmit: async () => {
      if (offline) return location.replace(address(secret, kept)); // which loads the page anew
      if (name) await actions.account.arrive(secret, kept);
      done();
    },
  });
  // Another tab of this browser has moved before.
  if (!name && !offline && (await actions.account.isSignedIn())) done();
  const works = name || offline;
  const title = t(!works ? "link.title" : moved ? "move.moved_title" : "move.title");
  document.title = title;
  return card({
    badge: icon(moved ? "wifi" : "shield"),
    title,
    lead: name ? t(moved ? "move.moved_intro" : "move.intro") : offline ? explain(problem) : t("move.over"),
    body,
    foot: name ? linkButton(t("move.sign_in"), done) : null,
  });
}

/** @param {Actions} actions @param {string} secret @param {LinkInfo} link @param {() => void} done */
function phoneCard(actions, secret, { by: name }, done) {
  const waiting = h("p", { class: "entrance-word", role: "status" });
  const { element: body, setProblem } = form({
    fields: [],
    wide: true,
    submit: t("move.phone_submit", { name }),
    body: waiting,
    onsubmit: async () => {
      waiting.textContent = t("move.phone_wait");
      try {
        await actions.account.join(secret);
      } catch (error) {
        waiting.textContent = "";
        const over = error instanceof CommandError && error.code === "not_found";
        return setProblem(over ? t("move.phone_over") : explain(error));
      }
      done();
    },
  });
  const title = t("move.phone_title", { name });
  document.title = title;
  return card({
    badge: icon("phone"),
    title,
    lead: t("move.phone_intro"),
    body,
    foot: linkButton(t("move.sign_in"), done),
  });
}

/** @param {string} text @param {() => void} onclick */
function linkButton(text, onclick) {
  return h("button", { type: "button", class: "link", onclick }, text);
}

/** @param {string} secret @param {string | undefined} kept */
function address(secret, kept) {
  return `#move=${secret}${kept ? `&kept=${encodeURIComponent(kept)}` : ""}`;
}
