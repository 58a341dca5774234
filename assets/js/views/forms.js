/** Fields and forms: what was refused is said beside its field. */

import { h, icon, iconButton, replace, setIcon } from "../lib/dom.js";
import { explain, t } from "../text/words/index.js";

/** @typedef {import("../lib/dom.js").Child} Child */

/**
 * @typedef {object} Field
 * @property {string} name the server's name of it, which its refusals carry
 * @property {HTMLElement} element
 * @property {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} input
 * @property {(text: string) => void} setError "" clears it
 * @property {() => string} check what is wrong with it as far as the page can tell, or ""
 */

let ids = 0;

/**
 * A labelled field.
 * @param {{name: string, label: Child, hint?: Child, value?: string, type?: string, required?: boolean,
 *   optional?: boolean, class?: string, check?: (value: string) => string, attributes?: Record<string, any>,
 *   options?: {value: string, label: string}[]}} options `options` makes it a list to choose from
 * @returns {Field}
 */
export function field({
  name,
  label,
  hint,
  value = "",
  type = "text",
  required = false,
  class: className = "",
  check = () => "",
  attributes = {},
  options,
}) {
  const id = `field-${(ids += 1)}`;
  const hintLine = hint ? h("p", { class: "field-hint", id: `${id}-hint` }, hint) : null;
  const errorLine = h("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true });
  const shared = {
    id,
    name,
    class: `input ${className}`.trim(),
    "aria-required": String(required),
    "aria-describedby": hintLine ? `${id}-hint ${id}-error` : `${id}-error`,
    ...attributes,
  };
  const input = options
    ? h(
        "select",
        shared,
        options.map((each) => h("option", { value: each.value }, each.label)),
      )
    : h("input", { type, dir: type === "text" ? "auto" : null, ...shared });
  input.value = value || (options ? (options[0]?.value ?? "") : "");
  const box = h("div", { class: "field-box" }, input, options ? icon("chevron-down") : null);
  if (type === "password") addToggle(box, /** @type {HTMLInputElement} */ (input));

  /** @param {string} text */
  const setError = (text) => {
    errorLine.hidden = text === "";
    input.setAttribute("aria-invalid", String(text !== ""));
    replace(errorLine, text ? [icon("warning"), h("span", { dir: "auto" }, text)] : null);
  };
  input.addEventListener("input", () => setError(""));
  return {
    name,
    input,
    setError,
    element: h(
      "div",
      { class: "field" },
      h("label", { class: "field-label", for: id }, label),
      box,
      errorLine,
      hintLine,
    ),
    check: () => (required && input.value.trim() === "" ? t("signin.required") : check(input.value)),
  };
}

/** @param {HTMLElement} box @param {HTMLInputElement} input */
function addToggle(box, input) {
  box.classList.add("has-toggle");
  const button = iconButton({
    icon: "eye",
    label: t("signin.show_password"),
    onclick: () => {
      const hidden = input.type === "text";
      input.type = hidden ? "password" : "text";
      const label = t(hidden ? "signin.show_password" : "signin.hide_password");
      button.setAttribute("aria-label", label);
      button.title = label;
      setIcon(/** @type {SVGSVGElement} */ (button.firstElementChild), hidden ? "eye" : "eye-off");
    },
  });
  box.append(button);
}

/** The two ends of a password's life: `current` is asked for, a `new` one is chosen. */
export const passwordField = {
  /** @param {Partial<Parameters<typeof field>[0]>} [more] */
  current: (more = {}) =>
    field({
      name: "password",
      label: t("signin.password"),
      type: "password",
      required: true,
      attributes: { autocomplete: "current-password" },
      ...more,
    }),
  /** @param {Partial<Parameters<typeof field>[0]>} [more] */
  fresh: (more = {}) =>
    field({
      name: "password",
      label: t("signin.password"),
      type: "password",
      required: true,
      hint: t("register.password_hint"),
      attributes: { autocomplete: "new-password" },
      check: (value) => ([...value].length < 10 ? t("register.password_short") : ""),
      ...more,
    }),
};

/** @param {Partial<Parameters<typeof field>[0]>} [more] */
export function nameField(more = {}) {
  return field({
    name: "name",
    label: t("signin.name"),
    required: true,
    attributes: {
      autocomplete: "username",
      autocapitalize: "none",
      autocorrect: "off",
      spellcheck: "false",
      maxlength: 40,
    },
    ...more,
  });
}

/**
 * A tick with its label.
 * @param {{label: string, hint?: string, checked?: boolean, onchange?: (checked: boolean) => void, disabled?: boolean}} options
 */
export function checkBox({ label, hint, checked = false, onchange, disabled = false }) {
  const input = h("input", {
    type: "checkbox",
    checked,
    disabled,
    onchange: () => onchange?.(input.checked),
  });
  const element = h(
    "label",
    { class: "check" },
    input,
    h("span", { class: "check-text" }, h("span", null, label), hint ? h("small", null, hint) : null),
  );
  return { element, input };
}

/**
 * One of a few, each with an explanation.
 * @param {{name: string, legend: string, value: string, hideLegend?: boolean, onchange?: (value: string) => void,
 *   choices: {value: string, label: string, hint?: string}[]}} options
 */
export function choiceList({ name, legend, value, hideLegend = false, choices, onchange }) {
  const group = `${name}-${(ids += 1)}`;
  const rows = choices.map((choice) => {
    const input = h("input", {
      type: "radio",
      name: group,
      value: choice.value,
      checked: choice.value === value,
      onchange: () => onchange?.(choice.value),
    });
    return {
      input,
      element: h(
        "label",
        { class: "choice" },
        input,
        h(
          "span",
          { class: "choice-text" },
          h("b", null, choice.label),
          choice.hint ? h("small", null, choice.hint) : null,
        ),
      ),
    };
  });
  return {
    element: h(
      "fieldset",
      { class: "field" },
      h("legend", { class: hideLegend ? "visually-hidden" : "field-label" }, legend),
      h(
        "div",
        { class: "choices" },
        rows.map((row) => row.element),
      ),
    ),
    get value() {
      return rows.find((row) => row.input.checked)?.input.value ?? value;
    },
    /** @param {string} next */
    set value(next) {
      for (const row of rows) row.input.checked = row.input.value === next;
    },
  };
}

/** Who may join, in words: on the setup page and on the admins'. */
export const joinChoices = () => [
  { value: "invite", label: t("setup.join_invite"), hint: t("setup.join_invite_hint") },
  { value: "network", label: t("setup.join_network"), hint: t("setup.join_network_hint") },
  { value: "closed", label: t("setup.join_closed"), hint: t("setup.join_closed_hint") },
];

/** Whether the messages of somebody who goes stay: the value is "keep" or "erase". */
export const messagesChoice = () =>
  choiceList({
    name: "messages",
    legend: t("removal.messages"),
    value: "keep",
    choices: [
      { value: "keep", label: t("removal.keep"), hint: t("removal.keep_hint") },
      { value: "erase", label: t("removal.erase"), hint: t("removal.erase_hint") },
    ],
  });

/**
 * One of a few short ones, side by side.
 * @param {{legend: string, value: string, choices: {value: string, label: string, icon?: string}[],
 *   onchange: (value: string) => void}} options
 */
export function segments({ legend, value, choices, onchange }) {
  const group = `segment-${(ids += 1)}`;
  return h(
    "fieldset",
    { class: "segments" },
    h("legend", { class: "visually-hidden" }, legend),
    choices.map((choice) =>
      h(
        "label",
        { class: "segment" },
        h("input", {
          type: "radio",
          name: group,
          value: choice.value,
          checked: choice.value === value,
          onchange: () => onchange(choice.value),
        }),
        choice.icon ? icon(choice.icon) : null,
        choice.label,
      ),
    ),
  );
}

/**
 * A form. While it is being sent its button is busy; a refusal stands beside the field it names, else above the button.
 * @param {{fields: Field[], body: Child, submit: string, onsubmit: () => Promise<unknown>, cancel?: () => void,
 *   class?: string, wide?: boolean, danger?: boolean}} options
 */
export function form({ fields, body, submit, onsubmit, cancel, class: className = "", wide = false, danger = false }) {
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  const button = h(
    "button",
    { type: "submit", class: `button ${danger ? "button-danger" : "button-primary"}${wide ? " button-wide" : ""}` },
    submit,
  );
  const back = cancel
    ? h("button", { type: "button", class: "button", onclick: cancel }, t("do.cancel"))
    : null;

  /** @param {string} text */
  const setProblem = (text) => {
    problem.hidden = text === "";
    replace(problem, text ? [icon("warning"), h("span", { dir: "auto" }, text)] : null);
  };
  /** @param {any} error */
  const refuse = (error) => {
    const named = fields.find((each) => each.name === error?.field);
    if (!named) return setProblem(explain(error));
    named.setError(explain(error));
    named.input.focus();
  };
  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    setProblem("");
    const wrong = fields.filter((each) => {
      const text = each.check();
      each.setError(text);
      return text !== "";
    });
    if (wrong[0]) return wrong[0].input.focus();
    button.setAttribute("aria-busy", "true");
    try {
      await onsubmit();
    } catch (error) {
      refuse(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  };
  const element = h(
    "form",
    { class: `form ${className}`.trim(), novalidate: true, onsubmit: send },
    body,
    problem,
    h("div", { class: wide ? null : "form-actions" }, back, button),
  );
  return { element, button, setProblem, refuse };
}
