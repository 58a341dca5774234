/** All public rooms: how many people and messages; archiving. */

import { Administration } from "../../actions/administration.js";
import { h, replace } from "../../lib/dom.js";
import { confirmDialog } from "../../lib/overlay.js";
import { fullDate, relative } from "../../text/dates.js";
import { t } from "../../text/words/admin.js";
import { attempt, loadInto } from "../parts.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").RoomInfo} RoomInfo
 */

/** @param {App} app */
export function create(app) {
  const admin = new Administration(app.actions);
  const table = h("div");
  const load = () =>
    loadInto(
      table,
      () => admin.rooms(),
      ({ rooms, private: closed, direct }) =>
        replace(
          table,
          roomTable(rooms, change),
          h(
            "p",
            { class: "field-hint admin-below" },
            t("rooms.others", {
              private: t("rooms.private_n", { n: closed }),
              direct: t("rooms.direct_n", { n: direct }),
            }),
          ),
        ),
    );
  /** @param {RoomInfo} room */
  const change = async (room) => {
    const sure =
      room.archived ||
      (await confirmDialog({
        title: t("rooms.archive"),
        text: t("rooms.archive_confirm", { name: room.name }),
        action: t("rooms.archive"),
      }));
    if (!sure) return;
    await attempt(admin.archive(room.id, !room.archived));
    load();
  };
  load();
  return part(t("admin.rooms"), t("rooms.lead"), table);
}

/** @param {RoomInfo[]} rooms @param {(room: RoomInfo) => void} change */
function roomTable(rooms, change) {
  const heads = /** @type {const} */ (["rooms.room", "rooms.people", "rooms.messages", "rooms.last"]);
  return h(
    "table",
    { class: "table table-rooms" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heads.map((key) => h("th", { scope: "col" }, t(key))),
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("do.more"))),
      ),
    ),
    h(
      "tbody",
      null,
      rooms.map((room) => roomRow(room, change)),
    ),
  );
}

/** @param {RoomInfo} room @param {(room: RoomInfo) => void} change */
function roomRow(room, change) {
  return h(
    "tr",
    { class: room.archived ? "is-off" : null },
    h(
      "td",
      null,
      h(
        "span",
        { class: "row-title" },
        h("bdi", { class: "truncate" }, `#${room.name}`),
        room.archived ? h("span", { class: "chip" }, t("rooms.archived")) : null,
      ),
      room.topic ? h("small", { class: "truncate", dir: "auto" }, room.topic) : null,
    ),
    h("td", { class: "table-quiet", "data-label": t("rooms.people_of", { n: room.count ?? 0 }) }, String(room.count ?? 0)),
    h("td", { class: "table-quiet", "data-label": t("rooms.messages_of", { n: room.posts ?? 0 }) }, (room.posts ?? 0).toLocaleString("en-GB")),
    h(
      "td",
      { class: "table-quiet", title: room.at ? fullDate(room.at) : null },
      room.posts && room.at ? relative(room.at, Date.now()) : t("date.never"),
    ),
    h(
      "td",
      null,
      room.general
        ? null
        : h(
            "button",
            { type: "button", class: "button button-small", onclick: () => change(room) },
            t(room.archived ? "rooms.restore" : "rooms.archive"),
          ),
    ),
  );
}
