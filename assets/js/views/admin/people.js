/** Everyone who was ever here, and what admins do with their accounts. */

import { h, iconButton, replace } from "../../lib/dom.js";
import { confirmDialog, openDialog, openMenu, toast } from "../../lib/overlay.js";
import { fullDate, relative } from "../../text/dates.js";
import { label, rankPeople } from "../../text/names.js";
import { t } from "../../text/words/admin.js";
import { form, messagesChoice } from "../forms.js";
import { attempt, avatar, emptyState, loadInto, moment, personName } from "../parts.js";
import { openLink } from "./invitations.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").AdminPerson} AdminPerson
 */

/** @param {App} app */
export function create(app) {
  const people = h("div");
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
  filter.addEventListener("input", drawPeople);

  const element = part(t("people.title"), null, h("div", { class: "field-box" }, filter), people);
  const load = () =>
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
  // Whoever joins while an admin looks on appears.
  const off = app.store.on("people", () => {
    if (!element.isConnected) return off();
    const known = new Set(everyone.map((each) => each.id));
    if (app.store.people.active().some((person) => !known.has(person.id))) load();
  });
  load();
  return element;
}

const STATES = { active: 0, disabled: 1, deleted: 2 };

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
      onclick: () => openRemoval(app, person, put),
    },
  ];
}

/**
 * @param {"people.make_admin" | "people.disable"} key
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

/**
 * What becomes of the messages is asked first of all: it cannot be undone.
 * @param {App} app @param {AdminPerson} person @param {(person: AdminPerson | undefined) => void} put
 */
function openRemoval(app, person, put) {
  const name = label(person);
  const messages = messagesChoice();
  const { element } = form({
    fields: [],
    danger: true,
    submit: t("removal.submit"),
    cancel: () => dialog.close(),
    body: [h("p", { dir: "auto" }, t("removal.lead")), messages.element],
    onsubmit: async () => {
      const erase = messages.value === "erase";
      put(await app.actions.people.remove(person.id, erase));
      dialog.close();
      toast(t(erase ? "removal.erasing" : "removal.done", { name }));
    },
  });
  const dialog = openDialog({ title: t("removal.title", { name }), body: element });
}
