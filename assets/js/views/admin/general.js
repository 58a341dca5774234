/** What the chat is called, what stands for it, and who may join. */

import { Administration } from "../../actions/administration.js";
import { h, icon, replace } from "../../lib/dom.js";
import { toast } from "../../lib/overlay.js";
import { squarePng } from "../../lib/picture.js";
import { t } from "../../text/words/admin.js";
import { choiceList, field, form, joinChoices } from "../forms.js";
import { attempt, serverBadge } from "../parts.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Reach} Reach
 */

/** Sharp at 96 px on a screen of twice the density. */
const LOGO_PIXELS = 192;

/** @param {App} app */
export function create(app) {
  return h("div", { class: "admin-parts" }, part(t("admin.general"), null, serverForm(app)), logoPart(app));
}

/** @param {App} app */
function serverForm(app) {
  const { store, actions } = app;
  const exposed = h("div", { class: "note" });
  new Administration(actions).reach().then(
    (found) => replace(exposed, exposedHint(app, found)),
    () => {}, // only a hint: a bar tells that the connection is gone
  );
  const name = field({
    name: "name",
    label: t("admin.server_name"),
    value: store.server?.name ?? "",
    required: true,
    attributes: { maxlength: 60, autocomplete: "off" },
  });
  const join = choiceList({
    name: "join",
    legend: t("admin.join"),
    value: store.join,
    choices: joinChoices(),
  });
  return form({
    fields: [name],
    submit: t("do.save"),
    body: [name.element, join.element, exposed],
    onsubmit: async () => {
      const changed = name.input.value.trim();
      await actions.server.update({
        ...(changed === store.server?.name ? {} : { name: changed }),
        join: /** @type {any} */ (join.value),
      });
      toast(t("do.saved"));
    },
  }).element;
}

/** Of whom "this network" would be thought, and does not count. @param {App} app @param {Reach} reach */
function exposedHint(app, { exposed }) {
  if (!exposed.length) return null;
  const open = () => app.go({ page: "admin", section: "settings" });
  return h(
    "p",
    null,
    t("general.exposed", { networks: exposed.join(", ") }),
    " ",
    h("button", { type: "button", class: "link", onclick: open }, t("admin.settings")),
  );
}

/** @param {App} app */
function logoPart(app) {
  const admin = new Administration(app.actions);
  const shown = h("span", { class: "logo-shown" });
  const remove = h(
    "button",
    { type: "button", class: "button", onclick: () => attempt(admin.setLogo(null)) },
    t("logo.remove"),
  );
  const file = h("input", { type: "file", accept: "image/*", hidden: true, onchange: () => take() });
  const choose = h(
    "button",
    { type: "button", class: "button", onclick: () => file.click() },
    icon("image"),
    t("logo.choose"),
  );
  const take = async () => {
    const chosen = file.files?.[0];
    file.value = "";
    if (!chosen) return;
    const image = await squarePng(chosen, LOGO_PIXELS);
    if (!image) return toast(t("logo.unreadable"), { kind: "error" });
    await attempt(admin.setLogo(image));
  };
  const draw = () => {
    replace(shown, serverBadge(app.store.server));
    remove.hidden = !app.store.server?.logo;
  };
  const off = app.store.on("server", () => (shown.isConnected ? draw() : off()));
  draw();
  return part(
    t("logo.title"),
    t("logo.hint"),
    h("div", { class: "logo-row" }, shown, choose, remove, file),
  );
}
