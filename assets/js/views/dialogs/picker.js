/** Choosing people by name: what is chosen stands in the field, the others below it. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { label, rankPeople } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { avatar, emptyState, personName } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Person} Person
 */

/** Drawn at most; the rest is reached by typing. */
const SHOWN = 60;

/**
 * @param {App} app
 * @param {{people: () => Person[], max: number, placeholder: string, onchange: (chosen: number[]) => void}} options
 */
export function peoplePicker(app, { people, max, placeholder, onchange }) {
  /** @type {Person[]} */
  let chosen = [];
  const chips = h("span", { style: { display: "contents" } });
  const list = h("div", { class: "picker-list rows", role: "group", "aria-label": t("people.title") });
  const input = h("input", {
    type: "text",
    placeholder,
    "aria-label": placeholder,
    autocomplete: "off",
    spellcheck: "false",
    dir: "auto",
    autofocus: true,
    oninput: () => draw(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => press(event),
  });

  /** @param {Person} person */
  const toggle = (person) => {
    const had = chosen.some((each) => each.id === person.id);
    if (!had && chosen.length >= max) return;
    chosen = had ? chosen.filter((each) => each.id !== person.id) : [...chosen, person];
    input.value = "";
    onchange(chosen.map((each) => each.id));
    draw();
    input.focus();
  };
  const matches = () => {
    const all = people();
    return input.value.trim() ? rankPeople(all, input.value, { limit: SHOWN }) : all.slice(0, SHOWN);
  };
  const draw = () => {
    replace(
      chips,
      chosen.map((person) => chip(person, () => toggle(person))),
    );
    input.placeholder = chosen.length ? "" : placeholder;
    const found = matches();
    const full = chosen.length >= max;
    replace(
      list,
      found.length
        ? found.map((person) => {
            const isChosen = chosen.some((each) => each.id === person.id);
            return personRow(app, person, isChosen, full && !isChosen, () => toggle(person));
          })
        : emptyState("people", t(input.value.trim() ? "people.none" : "people.all_chosen")),
    );
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.isComposing) return;
    const first = matches().find((person) => !chosen.some((each) => each.id === person.id));
    const last = chosen.at(-1);
    if (event.key === "Enter" && input.value.trim() && first) toggle(first);
    else if (event.key === "Backspace" && input.value === "" && last) toggle(last);
    else if (event.key === "ArrowDown")
      /** @type {HTMLElement | null} */ (list.querySelector("button"))?.focus();
    else return;
    event.preventDefault();
  };
  list.addEventListener("keydown", (event) => moveFocus(event, list, input));
  draw();
  return [h("div", { class: "picked", onclick: () => input.focus() }, chips, input), list];
}

/** @param {Person} person @param {() => void} remove */
function chip(person, remove) {
  return h(
    "span",
    { class: "picked-one" },
    avatar(person, { size: 20 }),
    personName(person),
    iconButton({ icon: "close", label: t("picker.remove", { name: label(person) }), onclick: remove }),
  );
}

/** @param {App} app @param {Person} person @param {boolean} chosen @param {boolean} disabled @param {() => void} onclick */
function personRow(app, person, chosen, disabled, onclick) {
  return h(
    "button",
    { type: "button", class: "row", "aria-pressed": String(chosen), disabled, onclick },
    avatar(person, { size: 36, presence: app.store.people.state(person.id) }),
    h(
      "span",
      { class: "row-text" },
      h(
        "span",
        { class: "row-title" },
        personName(person),
        person.bot ? h("span", { class: "chip" }, t("people.bot")) : null,
      ),
      h(
        "small",
        { class: "truncate" },
        h("bdi", null, `@${person.name}`),
        person.status ? ` · ${person.status}` : "",
      ),
    ),
    chosen ? icon("check") : null,
  );
}

/** @param {KeyboardEvent} event @param {HTMLElement} list @param {HTMLElement} input */
function moveFocus(event, list, input) {
  const rows = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("button")]);
  const at = rows.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  if (event.key === "ArrowDown") rows[Math.min(at + 1, rows.length - 1)]?.focus();
  else if (event.key === "ArrowUp") (at <= 0 ? input : rows[at - 1])?.focus();
  else return;
  event.preventDefault();
}
