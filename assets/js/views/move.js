/** The first page over HTTPS for whoever comes from HTTP: one tap, and they are where they were. */

import { h, icon } from "../lib/dom.js";
import { CommandError } from "../protocol/errors.js";
import { explain, t } from "../text/words/index.js";
import { card } from "./entrance.js";
import { form } from "./forms.js";

/** @typedef {import("./entrance.js").Actions} Actions */

/**
 * The secret is spent by a tap, after it was said whose sign-in it is: whoever follows somebody's link must not find
 * themselves signed in as that one unawares.
 *
 * @param {{actions: Actions}} client
 * @param {string} secret
 * @param {() => void} done
 */
export async function createMove({ actions }, secret, done) {
  /** @type {unknown} */
  let problem = null;
  const link = await actions.account.checkLink(secret).catch((error) => {
    problem = error;
    return null;
  });
  const name = link?.kind === "move" ? (link.name ?? "") : "";
  const offline = problem instanceof CommandError && problem.code !== "not_found";
  const { element: body } = form({
    fields: [],
    wide: true,
    submit: name ? t("move.submit", { name }) : t(offline ? "do.try_again" : "move.to_sign_in"),
    body: null,
    onsubmit: async () => {
      if (offline) return location.replace(`#move=${secret}`); // which loads the page anew
      if (name) await actions.account.arrive(secret);
      done();
    },
  });
  document.title = t("move.title");
  const parts = {
    badge: icon("shield"),
    title: t("move.title"),
    lead: name ? t("move.intro") : offline ? explain(problem) : t("move.over"),
    body,
    foot: name ? h("button", { type: "button", class: "link", onclick: done }, t("move.sign_in")) : null,
  };
  return { element: h("main", { class: "entrance" }, card(parts)) };
}
