/** What runs here, who is here, and how much room it takes. */

import { Administration } from "../../actions/administration.js";
import { h } from "../../lib/dom.js";
import { fullDate, relative } from "../../text/dates.js";
import { fileSize } from "../../text/links.js";
import { t } from "../../text/words/admin.js";
import { avatar, loadInto, personName } from "../parts.js";
import { alwaysPart } from "./always.js";
import { facts, part, state } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Overview} Overview
 */

/** Faces that are shown of those who are here. */
const FACES = 12;

/** @param {App} app */
export function create(app) {
  const element = h("div", { class: "admin-parts" });
  const admin = new Administration(app.actions);
  loadInto(
    element,
    () => admin.overview(),
    (found) => element.replaceChildren(...drawn(app, found), alwaysPart(admin)),
  );
  return element;
}

/** @param {App} app @param {Overview} found */
function drawn(app, found) {
  const { storage } = found;
  const here = h("span", { class: "faces" });
  const drawHere = () => here.replaceChildren(...faces(app));
  const offs = ["presence", "people"].map((topic) =>
    app.store.on(topic, () => (here.isConnected ? drawHere() : offs.forEach((off) => off()))),
  );
  drawHere();
  const about = h(
    "button",
    { type: "button", class: "link", onclick: () => app.openAbout() },
    t("admin.about"),
  );
  const parts = [
    part(
      t("admin.overview"),
      null,
      facts([
        [t("overview.people"), t("overview.people_n", { n: found.people })],
        [t("overview.online"), here],
        [
          t("overview.connections"),
          found.servers > 1
            ? t("overview.connections_of", { n: found.connections, servers: found.servers })
            : t("overview.connections_n", {
                n: found.connections,
                devices: t("overview.devices_n", { n: found.devices }),
              }),
        ],
        [t("overview.rooms"), count(found.rooms)],
        [t("overview.messages"), count(found.messages)],
        [t("overview.running"), h("time", { title: fullDate(found.started) }, relative(found.started, Date.now()))],
        [t("overview.version"), [found.version, " · ", about]],
      ]),
    ),
    part(
      t("overview.storage"),
      null,
      diskBar(storage),
      facts([
        [t("overview.database"), fileSize(storage.database)],
        [t("overview.uploads"), `${fileSize(storage.uploads)} · ${t("overview.files_n", { n: storage.files })}`],
        [
          t("overview.free"),
          t("overview.free_of", { free: fileSize(storage.free), total: fileSize(storage.total) }),
        ],
      ]),
    ),
  ];
  return found.devices ? parts : [unreached(app), ...parts];
}

/** @param {App} app */
function unreached(app) {
  return state(
    "wait",
    t("overview.unreached"),
    h(
      "p",
      null,
      h(
        "button",
        { type: "button", class: "link", onclick: () => app.go({ page: "admin", section: "reach" }) },
        t("overview.to_reach"),
      ),
    ),
  );
}

/** @param {App} app */
function faces(app) {
  const here = app.store.people.active().filter((person) => app.store.people.state(person.id) !== "offline");
  if (!here.length) return [t("overview.online_none")];
  const shown = here.slice(0, FACES).map((person) => {
    return h("span", { class: "face" }, avatar(person, { size: 28, presence: app.store.people.state(person.id) }), personName(person));
  });
  return [...shown, here.length > FACES ? `+${here.length - FACES}` : ""];
}

/** @param {Overview["storage"]} storage */
function diskBar({ database, uploads, free, total }) {
  const percent = (/** @type {number} */ bytes) => `${Math.max(0, Math.min(100, (100 * bytes) / total)).toFixed(2)}%`;
  const own = database + uploads;
  return h(
    "div",
    {
      class: "disk",
      role: "img",
      "aria-label": t("overview.bar", { used: fileSize(total - free), total: fileSize(total) }),
      dataset: { low: String(free < total / 10) },
    },
    h("span", { class: "disk-own", style: { "inline-size": `max(${percent(own)}, 3px)` } }),
    h("span", { class: "disk-rest", style: { "inline-size": percent(total - free - own) } }),
  );
}

/** @param {number} n */
const count = (n) => n.toLocaleString("en-GB");

