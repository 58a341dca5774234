/** For admins: one page of many sections, each loaded when it is opened. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { t } from "../../text/words/admin.js";
import { lazily } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {{id: string, icon: string, load: () => Promise<{create: (app: App) => HTMLElement}>}} Section its title is the word `admin.<id>`
 */

/** @type {Section[]} */
export const SECTIONS = [
  { id: "overview", icon: "gauge", load: () => import("./overview.js") },
  { id: "reach", icon: "wifi", load: () => import("./reach.js") },
  { id: "people", icon: "people", load: () => import("./people.js") },
  { id: "invitations", icon: "user-plus", load: () => import("./invitations.js") },
  { id: "rooms", icon: "hash", load: () => import("./rooms.js") },
  { id: "backups", icon: "archive", load: () => import("./backups.js") },
  { id: "general", icon: "chat", load: () => import("./general.js") },
  { id: "settings", icon: "gear", load: () => import("./settings.js") },
];

/** @param {Section} section */
const titleOf = (section) => t(/** @type {import("../../text/words/admin.js").AdminKey} */ (`admin.${section.id}`));

/**
 * @param {App} app
 * @returns {{element: HTMLElement, show: (id: string | undefined) => void}}
 */
export function createAdminPage(app) {
  const heading = h("h1", { class: "grow truncate" });
  const place = h("div", { class: "page-inner" });
  const scroll = h("div", { class: "page-scroll" }, place);
  const rows = SECTIONS.map((section) => ({ section, row: navRow(app, section) }));
  const element = h(
    "section",
    { class: "page admin", "aria-label": t("admin.title") },
    h(
      "header",
      { class: "page-head" },
      iconButton({ icon: "back", label: t("do.back"), class: "phone-only", onclick: () => app.toList() }),
      heading,
    ),
    h(
      "nav",
      { class: "admin-nav", "aria-label": t("admin.sections") },
      rows.map(({ row }) => row),
    ),
    scroll,
  );

  let shown = "";
  /** A phone shows the list of sections first; where there is room for both, there is always one open. @param {string | undefined} id */
  const show = (id) => {
    const section = SECTIONS.find((each) => each.id === id) ?? (app.isPhone() ? undefined : SECTIONS[0]);
    element.dataset.shows = section ? "section" : "list";
    heading.textContent = section && app.isPhone() ? titleOf(section) : t("admin.title");
    for (const { section: each, row } of rows) {
      if (each === section) row.setAttribute("aria-current", "page");
      else row.removeAttribute("aria-current");
    }
    if (!section || section.id === shown) return;
    shown = section.id;
    place.replaceChildren();
    scroll.scrollTop = 0;
    lazily(section.load(), ({ create }) => {
      if (shown === section.id) replace(place, create(app));
    });
  };
  return { element, show };
}

/** @param {App} app @param {Section} section */
function navRow(app, section) {
  return h(
    "button",
    { type: "button", class: "admin-link", onclick: () => app.go({ page: "admin", section: section.id }) },
    icon(section.icon),
    h("span", { class: "grow truncate" }, titleOf(section)),
    icon("chevron-right", "phone-only"),
  );
}
