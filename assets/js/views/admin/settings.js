/** Limits that are changed here, and what belongs to the machine, which is only shown. */

import { Administration } from "../../actions/administration.js";
import { h, replace } from "../../lib/dom.js";
import { toast } from "../../lib/overlay.js";
import { t } from "../../text/words/admin.js";
import { field, form } from "../forms.js";
import { loadInto } from "../parts.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").SettingInfo} SettingInfo
 * @typedef {import("../../text/words/admin.js").AdminKey} AdminKey
 */

/** Those that are asked for here, in this order; each has its name in the words. */
const LIMITS = [
  "limits.text_bytes",
  "limits.file_bytes",
  "limits.messages_per_second",
  "limits.messages_burst",
  "limits.connections_per_user",
  "people.session_days",
  "people.networks",
];

/** @param {App} app */
export function create(app) {
  const admin = new Administration(app.actions);
  const element = h("div", { class: "admin-parts" });
  /** @param {SettingInfo[]} settings */
  const draw = (settings) => replace(element, limits(admin, settings, draw), machine(settings));
  loadInto(element, () => admin.settings(), draw);
  return element;
}

/** @param {Administration} admin @param {SettingInfo[]} settings @param {(settings: SettingInfo[]) => void} draw */
function limits(admin, settings, draw) {
  const rows = LIMITS.flatMap((name) => settings.filter((setting) => setting.name === name)).map((setting) => ({
    setting,
    input: limitField(setting),
  }));
  const changed = () =>
    Object.fromEntries(
      rows
        .filter(({ setting, input }) => setting.changeable && input.input.value.trim() !== setting.value)
        .map(({ setting, input }) => [setting.name, input.input.value.trim() || null]),
    );
  const { element } = form({
    fields: rows.map(({ input }) => input),
    submit: t("do.save"),
    body: h(
      "div",
      { class: "limit-fields" },
      rows.map(({ input }) => input.element),
    ),
    onsubmit: async () => {
      const values = changed();
      if (Object.keys(values).length) draw(await admin.set(values));
      toast(t("do.saved"));
    },
  });
  return part(t("settings.limits"), t("settings.limits_lead"), element);
}

/** Left empty, it is the default again. @param {SettingInfo} setting */
function limitField(setting) {
  return field({
    name: setting.name,
    label: t(/** @type {AdminKey} */ (`settings.${setting.name}`)),
    value: setting.value,
    hint: setting.changeable ? allowed(setting) : t("settings.fixed", { source: source(setting) }),
    attributes: { autocomplete: "off", spellcheck: "false", placeholder: setting.default, readonly: !setting.changeable },
  });
}

/** What may stand there, in words. @param {SettingInfo} setting */
function allowed({ name, allowed }) {
  const hint = t("settings.allowed", { allowed });
  if (name === "limits.text_bytes") return `${t("settings.text_bytes_hint")} ${hint}`;
  return name === "people.networks" ? `${t("settings.networks_hint")} ${hint}` : hint;
}

/** Where its value comes from, in words. @param {SettingInfo} setting */
function source({ by, source }) {
  if (by !== "machine") return t("settings.by_default");
  return t(/^[-A-Z]/.test(source) ? "settings.at_start" : "settings.in_file", { source });
}

/** @param {SettingInfo[]} settings */
function machine(settings) {
  const rows = settings.filter((setting) => !LIMITS.includes(setting.name));
  return part(
    t("settings.machine"),
    t("settings.machine_lead"),
    h(
      "table",
      { class: "table table-settings" },
      h("thead", null, h("tr", null, h("th", { scope: "col" }, t("settings.name")), h("th", { scope: "col" }, t("settings.value")))),
      h(
        "tbody",
        null,
        rows.map((setting) =>
          h(
            "tr",
            null,
            h("td", null, h("code", { dir: "ltr" }, setting.name), h("small", null, setting.help)),
            h(
              "td",
              { class: setting.by === "machine" ? null : "table-quiet" },
              h("span", { dir: "auto" }, setting.value || t("settings.empty")),
              setting.by === "machine" ? h("small", null, source(setting)) : null,
            ),
          ),
        ),
      ),
    ),
  );
}
