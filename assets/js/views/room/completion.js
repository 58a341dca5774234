/** Names offered while an @word is typed: an ARIA combobox whose focus stays in the field. */

import { h } from "../../lib/dom.js";
import { complete, label, mentionAt, rankPeople } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { avatar, personName } from "../parts.js";

/**
 * @typedef {import("../../protocol/types.js").Person} Person
 * @typedef {import("../app.js").App} App
 */

const MOST = 8;
const ID = "completion";

export class Completion {
  /**
   * @param {App} app
   * @param {HTMLTextAreaElement} input
   */
  constructor(app, input) {
    this.app = app;
    this.input = input;
    this.room = 0;
    /** @type {Person[]} */
    this.offered = [];
    this.chosen = 0;
    this.typed = "";
    /** The room whose members were asked for. */
    this.asked = 0;
    this.element = h("ul", { class: "completion", id: ID, role: "listbox", "aria-label": t("composer.completion"), hidden: true });
    // The field keeps the focus and its selection.
    this.element.addEventListener("pointerdown", (event) => event.preventDefault());
    input.setAttribute("aria-autocomplete", "list");
    input.addEventListener("blur", () => this.close());
  }

  get open() {
    return !this.element.hidden;
  }

  /** @param {number} room */
  show(room) {
    this.room = room;
    this.close();
  }

  /** After every change of the text or the caret. */
  update() {
    const { value, selectionStart, selectionEnd } = this.input;
    const word = selectionStart === selectionEnd ? mentionAt(value, selectionStart) : null;
    if (!word) return this.close();
    const offered = this.candidates(word.typed);
    if (!offered.length) return this.close();
    const kept = offered.findIndex(({ id }) => id === this.offered[this.chosen]?.id);
    this.offered = offered;
    this.chosen = this.open && kept > 0 && word.typed === this.typed ? kept : 0;
    this.typed = word.typed;
    this.draw();
  }

  /** Those in the room first, then everybody else. @param {string} typed @returns {Person[]} */
  candidates(typed) {
    const { store } = this.app;
    const inside = this.members();
    const others = store.people.active().filter(({ id }) => id !== store.me?.id);
    const first = rankPeople(others.filter(({ id }) => inside.has(id)), typed, { limit: MOST });
    if (first.length === MOST || store.rooms.get(this.room)?.kind === "direct") return first;
    return [...first, ...rankPeople(others.filter(({ id }) => !inside.has(id)), typed, { limit: MOST - first.length })];
  }

  /** @returns {Set<number>} */
  members() {
    const room = this.app.store.rooms.get(this.room);
    if (room?.kind === "direct") return new Set(room.users);
    const known = this.app.actions.rooms.memberList(this.room);
    if (!known && this.asked !== this.room) {
      this.asked = this.room;
      this.app.actions.rooms.members(this.room).then(() => this.open && this.update(), () => {});
    }
    return new Set((known ?? []).map(({ user }) => user));
  }

  draw() {
    const inside = this.members();
    this.element.replaceChildren(...this.offered.map((person, at) => this.row(person, at, inside)));
    this.element.hidden = false;
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-expanded", "true");
    this.input.setAttribute("aria-controls", ID);
    this.input.setAttribute("aria-activedescendant", `${ID}-${this.chosen}`);
    this.element.children[this.chosen]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Person} person @param {number} at @param {Set<number>} inside */
  row(person, at, inside) {
    const outside = inside.size && !inside.has(person.id) ? t("composer.not_here") : null;
    const note = [label(person) === person.name ? null : `@${person.name}`, outside].filter(Boolean).join(" · ");
    return h(
      "li",
      { class: "completion-item", id: `${ID}-${at}`, role: "option", "aria-selected": String(at === this.chosen), onclick: () => this.accept(at) },
      avatar(person, { size: 24, presence: this.app.store.people.state(person.id) }),
      h("span", { class: "truncate" }, personName(person)),
      h("span", { class: "completion-note truncate" }, note),
    );
  }

  /** @param {number} at */
  accept(at) {
    const person = this.offered[at];
    if (!person) return;
    const { text, caret } = complete(this.input.value, this.input.selectionStart, person.name);
    this.input.value = text;
    this.input.setSelectionRange(caret, caret);
    this.close();
    this.input.dispatchEvent(new InputEvent("input", { bubbles: true }));
    this.input.focus();
  }

  close() {
    this.offered = [];
    this.element.hidden = true;
    for (const name of ["role", "aria-expanded", "aria-controls", "aria-activedescendant"]) this.input.removeAttribute(name);
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was for the list */
  key(event) {
    if (!this.open || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return false;
    const count = this.offered.length;
    if (event.key === "ArrowDown") this.chosen = (this.chosen + 1) % count;
    else if (event.key === "ArrowUp") this.chosen = (this.chosen + count - 1) % count;
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey) this.accept(this.chosen);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    if (this.open) this.draw();
    return true;
  }
}
