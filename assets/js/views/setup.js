/** The first page of all: who is the admin, what is the chat called, who may join. */

import { h, icon, replace } from "../lib/dom.js";
import { t } from "../text/words/index.js";
import { card, focusFirst } from "./entrance.js";
import { choiceList, field, form, joinChoices, nameField, passwordField } from "./forms.js";
import { lazily } from "./parts.js";

/** @typedef {import("./entrance.js").Actions} Actions */

/** As long is the code on the console, without its hyphen. */
const CODE_LENGTH = 8;

/**
 * @param {{actions: Actions}} client
 * @param {string | undefined} token from the address that the console printed; without it the code is asked for
 */
export function createSetup({ actions }, token) {
  const code = codeField();
  const serverName = field({
    name: "server_name",
    label: t("setup.server_name"),
    hint: t("setup.server_name_hint"),
    required: true,
    attributes: { autocomplete: "organization", maxlength: 80 },
  });
  const fullName = field({
    name: "full_name",
    label: t("register.full_name"),
    hint: t("register.full_name_hint"),
    attributes: { autocomplete: "name", maxlength: 80 },
  });
  const name = nameField({ hint: t("register.name_hint") });
  const password = passwordField.fresh();
  const join = choiceList({ name: "join", legend: t("setup.join"), value: "invite", choices: joinChoices() });

  const { element: body } = form({
    fields: [...(token ? [] : [code]), serverName, fullName, name, password],
    wide: true,
    submit: t("setup.submit"),
    body: [
      token ? null : h("div", { class: "entrance-group" }, code.element),
      h(
        "div",
        { class: "entrance-group" },
        h("h2", null, t("setup.the_chat")),
        serverName.element,
        join.element,
      ),
      h(
        "div",
        { class: "entrance-group" },
        h("h2", null, t("setup.you")),
        h("div", { class: "form-pair" }, fullName.element, name.element),
        password.element,
      ),
    ],
    onsubmit: () =>
      actions.account.setup({
        name: name.input.value.trim(),
        full_name: fullName.input.value.trim(),
        password: password.input.value,
        server_name: serverName.input.value.trim(),
        secret: token ?? typed(code.input.value),
        join: /** @type {any} */ (join.value),
      }),
  });
  document.title = t("setup.title");
  const restore = h("button", { type: "button", class: "link", onclick: () => showRestore() }, t("setup.restore"));
  const setup = card({
    badge: icon("chat"),
    title: t("setup.title"),
    lead: t("setup.intro"),
    body,
    foot: restore,
    wide: true,
  });
  const element = h("main", { class: "entrance" }, setup);
  const showRestore = () =>
    lazily(import("./restoring.js"), ({ createRestore }) => {
      const back = () => replace(element, setup);
      replace(element, createRestore({ actions }, { token, code: codeField, typed, back }));
    });
  focusFirst(element);
  return { element };
}

/** What was typed as the code: without its hyphen, whichever way it was written. @param {string} text */
function typed(text) {
  return text.replace(/[\s-]/g, "").toUpperCase();
}

function codeField() {
  return field({
    name: "secret",
    label: t("setup.code"),
    hint: t("setup.code_hint"),
    required: true,
    class: "input-code",
    check: (value) => (typed(value).length === CODE_LENGTH ? "" : t("setup.code_length")),
    attributes: {
      autocomplete: "one-time-code",
      autocapitalize: "characters",
      spellcheck: "false",
      maxlength: 20,
      dir: "ltr",
    },
  });
}
