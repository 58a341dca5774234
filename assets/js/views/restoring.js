/** What is shown while a backup is handed to the server: on the admins' page, and instead of the setup. */

import { Backups } from "../actions/backups.js";
import { h, icon, replace } from "../lib/dom.js";
import { t } from "../text/words/backups.js";
import { card, focusFirst } from "./entrance.js";
import { field, form } from "./forms.js";

/** @typedef {import("./entrance.js").Actions} Actions */

/**
 * Takes the place of the setup on a new computer.
 * @param {{actions: Actions}} client
 * @param {{token?: string, code: () => import("./forms.js").Field, typed: (text: string) => string, back: () => void}} setup
 */
export function createRestore({ actions }, { token, code: makeCode, typed, back }) {
  const backups = new Backups(actions);
  const { element: progress, show } = progressLine();
  const code = makeCode();
  const file = field({
    name: "file",
    label: t("restore.file"),
    hint: t("restore.file_hint"),
    type: "file",
    required: true,
    class: "input-file",
    attributes: { accept: ".zip,application/zip" },
  });
  const { element: body } = form({
    fields: token ? [file] : [code, file],
    wide: true,
    submit: t("restore.action"),
    body: [token ? null : code.element, file.element, progress],
    onsubmit: async () => {
      const [chosen] = /** @type {HTMLInputElement} */ (file.input).files ?? [];
      if (!chosen) return;
      try {
        const secret = token ?? typed(code.input.value);
        await backups.restore(chosen, { secret, onprogress: sending(show) });
        show(t("restore.starting"));
        await backups.back();
        location.reload();
      } catch (error) {
        show("");
        throw error;
      }
    },
  });
  const element = card({
    badge: icon("archive"),
    title: t("restore.instead_title"),
    lead: t("restore.instead_intro"),
    body,
    foot: h("button", { type: "button", class: "link", onclick: back }, t("restore.back")),
    wide: true,
  });
  focusFirst(element);
  return element;
}

/** What is being done, in words, with a bar where it is known how far it is. */
export function progressLine() {
  const bar = h("progress", { class: "progress", max: 1 });
  const words = h("span", { role: "status" });
  const element = h("div", { class: "progress-line", hidden: true }, words, bar);
  return {
    element,
    /** @param {string} text "" hides it @param {number} [fraction] from 0 to 1 */
    show: (text, fraction) => {
      element.hidden = text === "";
      replace(words, text);
      if (fraction === undefined || fraction >= 1) bar.removeAttribute("value");
      else bar.value = fraction;
    },
  };
}

/** @param {ReturnType<typeof progressLine>["show"]} show @returns {(fraction: number) => void} */
export function sending(show) {
  return (fraction) => {
    const n = Math.floor(fraction * 100);
    show(n < 100 ? t("restore.sending", { n }) : t("restore.checking"), fraction);
  };
}

/**
 * A button that asks for a file.
 * @param {string} label
 * @param {(file: File) => void} onchoose
 */
export function chooseFile(label, onchoose) {
  const input = h("input", {
    type: "file",
    accept: ".zip,application/zip",
    hidden: true,
    onchange: () => {
      const [file] = input.files ?? [];
      input.value = "";
      if (file) onchoose(file);
    },
  });
  return h("button", { type: "button", class: "button", onclick: () => input.click() }, icon("archive"), label);
}
