/** Making a room, finding one to join, and starting a conversation. */

import { h, icon, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { rankNames } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { choiceList, field, form } from "../forms.js";
import { attempt, emptyState, loadInto } from "../parts.js";
import { peoplePicker } from "./picker.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").RoomInfo} RoomInfo
 */

/** How many others a direct room may have. */
const DIRECT_OTHERS = 8;

/** @param {App} app */
export function openCreateRoom(app) {
  const name = roomNameField();
  const topic = roomTopicField();
  const kind = choiceList({
    name: "kind",
    legend: t("room.kind"),
    value: "public",
    choices: [
      { value: "public", label: t("room.public"), hint: t("room.public_hint") },
      { value: "private", label: t("room.private"), hint: t("room.private_hint") },
    ],
  });
  const { element } = form({
    fields: [name, topic],
    submit: t("room.create_submit"),
    cancel: () => dialog.close(),
    body: [name.element, topic.element, kind.element],
    onsubmit: async () => {
      const room = await app.actions.rooms.create({
        name: name.input.value.trim(),
        topic: topic.input.value.trim(),
        kind: /** @type {"public" | "private"} */ (kind.value),
      });
      dialog.close();
      app.go({ room: room.id });
    },
  });
  const dialog = openDialog({ title: t("room.create"), body: element });
}

/** @param {string} [value] */
export function roomNameField(value = "") {
  return field({
    name: "name",
    label: t("room.name"),
    value,
    required: true,
    attributes: { autocomplete: "off", maxlength: 80, placeholder: t("room.name_example") },
  });
}

/** @param {string} [value] */
export function roomTopicField(value = "") {
  return field({
    name: "topic",
    label: [t("room.topic"), " ", h("small", null, t("field.optional"))],
    value,
    attributes: { autocomplete: "off", maxlength: 250, placeholder: t("room.topic_example") },
  });
}

/** @param {App} app */
export function openBrowseRooms(app) {
  const list = h("div", { class: "rows rows-flush" });
  const search = h("input", {
    class: "input",
    type: "search",
    placeholder: t("room.browse_find"),
    "aria-label": t("room.browse_find"),
    autofocus: true,
  });
  const dialog = openDialog({ title: t("room.browse"), class: "dialog-tall", body: [search, list] });
  loadInto(
    list,
    () => app.actions.rooms.browse(),
    (rooms) => {
      const open = rooms.filter((room) => room.kind !== "direct" && (!room.archived || room.member));
      const order = (/** @type {RoomInfo} */ room) => (room.archived ? 2 : room.member ? 1 : 0);
      open.sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name));
      const draw = () => {
        const found = search.value.trim()
          ? rankNames(open, search.value, (room) => room.name, { limit: 100 })
          : open;
        replace(
          list,
          found.length
            ? found.map((room) => roomRow(app, room, dialog.close))
            : emptyState("compass", t("room.browse_none")),
        );
      };
      search.addEventListener("input", draw);
      draw();
    },
  );
}

/** @param {App} app @param {RoomInfo} room @param {() => void} close */
function roomRow(app, room, close) {
  const go = () => {
    close();
    app.go({ room: room.id });
  };
  const join = async () => {
    if (await attempt(app.actions.rooms.join(room.id))) go();
  };
  const people = t("room.members", { n: room.count ?? 0 });
  return h(
    "div",
    { class: "row" },
    icon(room.kind === "private" ? "lock" : "hash"),
    h(
      "span",
      { class: "row-text" },
      h(
        "span",
        { class: "row-title" },
        h("bdi", { class: "truncate" }, room.name),
        room.archived ? h("span", { class: "chip" }, t("sidebar.archived")) : null,
      ),
      h("small", { class: "truncate", dir: "auto" }, room.topic ? `${people} · ${room.topic}` : people),
    ),
    h(
      "button",
      {
        type: "button",
        class: room.member ? "button button-small" : "button button-small button-primary",
        onclick: room.member ? go : join,
        "aria-label": `${t(room.member ? "do.open" : "room.join")} ${room.name}`,
      },
      t(room.member ? "do.open" : "room.join"),
    ),
  );
}

/** @param {App} app */
export function openNewDirect(app) {
  /** @type {number[]} */
  let chosen = [];
  const start = h(
    "button",
    { type: "button", class: "button button-primary", disabled: true },
    t("direct.submit"),
  );
  start.addEventListener("click", async () => {
    const room = await attempt(app.actions.rooms.openDirect(chosen));
    if (!room) return;
    dialog.close();
    app.go({ room: room.id });
  });
  const body = peoplePicker(app, {
    people: () => app.store.people.active(),
    max: DIRECT_OTHERS,
    placeholder: t("direct.placeholder"),
    onchange: (users) => {
      chosen = users;
      start.disabled = users.length === 0;
    },
  });
  const dialog = openDialog({ title: t("direct.title"), body, footer: start });
}
