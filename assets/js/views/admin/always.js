/** Whether the server starts with its computer, and the switch for it. */

import { h, replace } from "../../lib/dom.js";
import { t } from "../../text/words/admin.js";
import { checkBox } from "../forms.js";
import { attempt, loadInto } from "../parts.js";
import { commandLine, part } from "./parts.js";

/**
 * @typedef {import("../../actions/administration.js").Administration} Administration
 * @typedef {import("../../protocol/types.js").ServiceState} ServiceState
 */

/** @param {Administration} admin */
export function alwaysPart(admin) {
  const body = h("div", { class: "admin-always" });
  /** @param {ServiceState} state */
  const draw = (state) => replace(body, ...drawn(admin, state, draw));
  loadInto(body, () => admin.service(), draw);
  return part(t("always.title"), t("always.lead"), body);
}

/** @param {Administration} admin @param {ServiceState} state @param {(state: ServiceState) => void} draw */
function drawn(admin, state, draw) {
  const { on, problem, command, can_change: canChange, notes = [] } = state;
  const box = checkBox({
    label: t("always.on"),
    hint: on ? t("always.hint_on") : canChange ? t("always.hint_off") : t("always.hint_not"),
    checked: on,
    disabled: !canChange,
    onchange: async (wanted) => {
      box.input.disabled = true;
      draw((await attempt(admin.setService(wanted))) ?? state);
    },
  });
  box.input.setAttribute("role", "switch");
  if (canChange) {
    return [box.element, notes.length ? h("div", { class: "note" }, notes.map((text) => h("p", null, text))) : null];
  }
  return [
    box.element,
    h(
      "div",
      { class: "note" },
      h("p", null, problem || t("always.elsewhere")),
      command && !on ? commandLine(command) : null,
    ),
  ];
}
