/** Invitation links: making, listing and revoking them; and any link that is handed over. */

import { h, icon, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { t } from "../../text/words/index.js";
import { field, form } from "../forms.js";
import { attempt, emptyState, loadInto, moment, secretField } from "../parts.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Invite} Invite
 */

/** @param {App} app */
export function create(app) {
  const invites = h("div");
  const load = () =>
    loadInto(
      invites,
      () => app.actions.server.invites(),
      (list) =>
        replace(
          invites,
          list.length ? inviteTable(app, list, load) : emptyState("link", t("invite.none")),
        ),
    );
  const element = part(t("invite.title"), t("invite.about"), h("div", null, inviteButton(app, load)), invites);
  // Whoever joins while an admin looks on is counted.
  const off = app.store.on("people", () => (element.isConnected ? load() : off()));
  load();
  return element;
}

/** @param {string} title @param {string} text @param {string} url */
export function openLink(title, text, url) {
  openDialog({
    title,
    body: [
      h("p", null, text),
      secretField(url, title),
      h("p", { class: "field-hint" }, t("invite.address_hint")),
    ],
  });
}

/** @param {App} app @param {() => void} reload */
function inviteButton(app, reload) {
  return h(
    "button",
    {
      type: "button",
      class: "button button-primary button-small",
      onclick: () => openCreateInvite(app, reload),
    },
    icon("plus"),
    t("invite.create"),
  );
}

/** @param {App} app @param {() => void} reload */
function openCreateInvite(app, reload) {
  const days = field({
    name: "days",
    label: t("invite.days"),
    value: "7",
    options: [1, 7, 30, 90].map((n) => ({ value: String(n), label: t("invite.days_n", { n }) })),
  });
  const uses = field({
    name: "uses",
    label: t("invite.uses"),
    value: "",
    options: [
      { value: "", label: t("invite.unlimited") },
      ...[1, 5, 10, 50].map((n) => ({ value: String(n), label: String(n) })),
    ],
  });
  const name = field({
    name: "name",
    label: t("invite.name"),
    hint: t("invite.name_hint"),
    attributes: { maxlength: 40, autocomplete: "off", spellcheck: "false" },
  });
  const { element } = form({
    fields: [days, uses, name],
    submit: t("invite.create"),
    cancel: () => dialog.close(),
    body: [h("div", { class: "form-pair" }, days.element, uses.element), name.element],
    onsubmit: async () => {
      const { url } = await app.actions.server.createInvite({
        days: Number(days.input.value),
        ...(uses.input.value ? { uses: Number(uses.input.value) } : {}),
        ...(name.input.value.trim() ? { name: name.input.value.trim() } : {}),
      });
      dialog.close();
      openLink(t("invite.link"), t("invite.ready"), url);
      reload();
    },
  });
  const dialog = openDialog({ title: t("invite.create"), body: element });
}

/** @param {App} app @param {Invite[]} invites @param {() => void} reload */
function inviteTable(app, invites, reload) {
  const revoke = async (/** @type {number} */ id) => {
    await attempt(app.actions.server.revokeInvite(id));
    reload();
  };
  return h(
    "table",
    { class: "table table-plain" },
    h(
      "tbody",
      null,
      invites.map((invite) =>
        h(
          "tr",
          null,
          h(
            "td",
            null,
            h("span", null, t("invite.expires", { when: moment(invite.expires) })),
            h("small", null, t("invite.by", { name: app.store.people.label(invite.by) })),
            invite.former
              ? h("small", null, t("invite.former", { name: app.store.people.label(invite.former) }))
              : null,
          ),
          h("td", { class: "table-quiet" }, usesText(invite)),
          h(
            "td",
            null,
            h(
              "button",
              { type: "button", class: "button button-small", onclick: () => revoke(invite.id) },
              t("invite.revoke"),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {Invite} invite */
function usesText(invite) {
  if (invite.used === 0 && !invite.uses) return t("invite.unused");
  return invite.uses
    ? t("invite.used_of", { n: invite.used, of: invite.uses })
    : t("invite.used", { n: invite.used });
}
