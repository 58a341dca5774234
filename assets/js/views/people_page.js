/** For admins: everyone, the invitations, who may join and what the chat is called. */

import { h, iconButton, replace } from "../lib/dom.js";
import { confirmDialog, openMenu, toast } from "../lib/overlay.js";
import { fullDate, relative } from "../text/dates.js";
import { label, rankPeople } from "../text/names.js";
import { t } from "../text/words/index.js";
import { choiceList, field, form, joinChoices } from "./forms.js";
import { inviteButton, inviteTable, openLink } from "./invitations.js";
import { attempt, avatar, emptyState, loadInto, moment, personName } from "./parts.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("../protocol/types.js").AdminPerson} AdminPerson
 */

/** @param {App} app */
export function createPeoplePage(app) {
  const people = h("div");
  const invites = h("div");
  const server = h("div");
  const filter = h("input", {
    class: "input",
    type: "search",
    placeholder: t("people.filter"),
    "aria-label": t("people.filter"),
  });
  /** @type {AdminPerson[]} */
  let everyone = [];

  const drawPeople = () => {
    const shown = filter.value.trim()
      ? /** @type {AdminPerson[]} */ (rankPeople(everyone, filter.value, { limit: 500 }))
      : everyone;
    replace(people, shown.length ? peopleTable(app, shown, put) : emptyState("people", t("people.none")));
  };
  /** @param {AdminPerson | undefined} person what the server answered */
  const put = (person) => {
    if (person) everyone = everyone.map((each) => (each.id === person.id ? person : each));
    drawPeople();
  };
  const loadInvites = () =>
    loadInto(
      invites,
      () => app.actions.server.invites(),
      (list) => {
        replace(
          invites,
          list.length ? inviteTable(app, list, loadInvites) : emptyState("link", t("invite.none")),
        );
      },
    );
  filter.addEventListener("input", drawPeople);

  const element = h(
    "section",
    { class: "page", "aria-label": t("admin.title") },
    h(
      "header",
      { class: "page-head" },
      iconButton({ icon: "back", label: t("do.back"), class: "phone-only", onclick: () => app.toList() }),
      h("h1", { class: "grow truncate" }, t("admin.title")),
    ),
    h(
      "div",
      { class: "page-scroll" },
      h(
        "div",
        { class: "page-inner" },
        section(t("people.title"), null, h("div", { class: "field-box" }, filter), people),
        section(t("invite.title"), t("invite.about"), inviteButton(app, loadInvites), invites),
        section(t("admin.server"), null, null, server),
      ),
    ),
  );

  const loadPeople = () =>
    loadInto(
      people,
      () => app.actions.people.list(),
      (list) => {
        everyone = [...list].sort(
          (a, b) => STATES[a.state] - STATES[b.state] || label(a).localeCompare(label(b)),
        );
        drawPeople();
      },
    );
  // Whoever joins while an admin looks on appears, and is counted at the invitation.
  const off = app.store.on("people", () => {
    if (!element.isConnected) return off();
    const known = new Set(everyone.map((each) => each.id));
    if (app.store.people.active().every((person) => known.has(person.id))) return;
    loadPeople();
    loadInvites();
  });

  replace(server, serverForm(app));
  loadInvites();
  loadPeople();
  return element;
}

const STATES = { active: 0, disabled: 1, deleted: 2 };

/** @param {string} title @param {string | null} lead @param {HTMLElement | null} tool @param {HTMLElement} body */
function section(title, lead, tool, body) {
  return h(
    "section",
    { class: "page-section" },
    h("div", { class: "page-section-head" }, h("h2", null, title), tool, lead ? h("p", null, lead) : null),
    body,
  );
}

/** @param {App} app @param {AdminPerson[]} people @param {(person: AdminPerson | undefined) => void} put */
function peopleTable(app, people, put) {
  const heads = ["people.person", "people.role", "people.last_here", "people.signins"];
  return h(
    "table",
    { class: "table" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        heads.map((key) => h("th", { scope: "col" }, t(/** @type {any} */ (key)))),
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("do.more"))),
      ),
    ),
    h(
      "tbody",
      null,
      people.map((person) => personRow(app, person, put)),
    ),
  );
}

/** @param {App} app @param {AdminPerson} person @param {(person: AdminPerson | undefined) => void} put */
function personRow(app, person, put) {
  const state = person.state === "active" ? app.store.people.state(person.id) : undefined;
  const button = iconButton({
    icon: "more",
    label: t("people.actions", { name: label(person) }),
    onclick: () => openMenu(button, personItems(app, person, put), { align: "end" }),
  });
  return h(
    "tr",
    { class: person.state === "active" ? null : "is-off" },
    h(
      "td",
      null,
      h(
        "span",
        { class: "table-person" },
        avatar(person, { presence: state }),
        h(
          "span",
          null,
          h(
            "span",
            { class: "row-title" },
            personName(person),
            person.id === app.store.me?.id ? h("span", { class: "chip" }, t("people.you")) : null,
            person.bot ? h("span", { class: "chip" }, t("people.bot")) : null,
            person.state === "active"
              ? null
              : h("span", { class: "chip chip-warn" }, t(`people.${person.state}`)),
          ),
          h("small", null, h("bdi", null, `@${person.name}`)),
        ),
      ),
    ),
    h("td", { class: "table-quiet" }, t(person.role === "admin" ? "people.admin" : "people.member")),
    h(
      "td",
      { class: "table-quiet", title: person.seen ? fullDate(person.seen) : null },
      state === "online"
        ? t("people.here_now")
        : person.seen
          ? relative(person.seen, Date.now())
          : t("date.never"),
    ),
    h("td", { class: "table-quiet" }, t("people.sessions", { n: person.sessions })),
    h("td", null, person.state === "deleted" ? null : button),
  );
}

/** @param {App} app @param {AdminPerson} person @param {(person: AdminPerson | undefined) => void} put */
function personItems(app, person, put) {
  const { people } = app.actions;
  const name = label(person);
  const mine = person.id === app.store.me?.id;
  const active = person.state === "active";
  const isAdmin = person.role === "admin";
  return [
    active &&
      !mine && { label: t("people.message"), icon: "mail", onclick: () => app.openDirect([person.id]) },
    active &&
      !person.bot && {
        label: t("people.reset_link"),
        icon: "key",
        onclick: () => makeResetLink(app, person),
      },
    active &&
      !person.bot &&
      !isAdmin && {
        label: t("people.make_admin"),
        icon: "shield",
        onclick: () => sure("people.make_admin", name, () => people.setRole(person.id, "admin"), put),
      },
    active &&
      isAdmin && {
        label: t("people.make_member"),
        icon: "user",
        onclick: async () => put(await attempt(people.setRole(person.id, "member"))),
      },
    mine ? null : /** @type {const} */ ("line"),
    !active && {
      label: t("people.enable"),
      icon: "check",
      onclick: async () => put(await attempt(people.enable(person.id))),
    },
    active &&
      !mine && {
        label: t("people.disable"),
        icon: "lock",
        danger: true,
        onclick: () => sure("people.disable", name, () => people.disable(person.id), put, true),
      },
    !mine && {
      label: t("people.delete"),
      icon: "trash",
      danger: true,
      onclick: () => sure("people.delete", name, () => people.remove(person.id), put, true),
    },
  ];
}

/**
 * @param {"people.make_admin" | "people.disable" | "people.delete"} key
 * @param {string} name
 * @param {() => Promise<AdminPerson>} act
 * @param {(person: AdminPerson | undefined) => void} put
 * @param {boolean} [danger]
 */
async function sure(key, name, act, put, danger = false) {
  if (await confirmDialog({ title: t(key), text: t(`${key}_confirm`, { name }), action: t(key), danger }))
    put(await attempt(act()));
}

/** @param {App} app @param {AdminPerson} person */
async function makeResetLink(app, person) {
  const name = label(person);
  const agreed = await confirmDialog({
    title: t("people.reset_link"),
    text: t("people.reset_link_confirm", { name }),
    action: t("people.reset_link_make"),
  });
  const link = agreed && (await attempt(app.actions.people.resetLink(person.id)));
  if (link)
    openLink(
      t("people.reset_link"),
      t("people.reset_link_ready", { name, when: moment(link.expires) }),
      link.url,
    );
}

/** @param {App} app */
function serverForm(app) {
  const { store, actions } = app;
  const name = field({
    name: "name",
    label: t("admin.server_name"),
    value: store.server?.name ?? "",
    required: true,
    attributes: { maxlength: 80, autocomplete: "off" },
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
    body: [name.element, join.element],
    onsubmit: async () => {
      await actions.server.update({ name: name.input.value.trim(), join: /** @type {any} */ (join.value) });
      toast(t("do.saved"));
    },
  }).element;
}
