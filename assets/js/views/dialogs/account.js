/** One's own account: profile, appearance, password; sign-ins and tokens. */

import { h, icon, replace } from "../../lib/dom.js";
import { hasNotifications } from "../../lib/attention.js";
import { openDialog, toast } from "../../lib/overlay.js";
import { fullDate, relative } from "../../text/dates.js";
import { t } from "../../text/words/index.js";
import { checkBox, field, form, messagesChoice, nameField, passwordField, segments } from "../forms.js";
import { attempt, avatar, loadInto, secretField } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").SessionInfo} SessionInfo
 */

/** @param {App} app */
export function openAccount(app) {
  openDialog({
    title: t("profile.title"),
    body: [profileForm(app), appearance(app), passwordSection(app), leaveSection(app)],
  });
}

/** @param {App} app */
function profileForm(app) {
  const me = app.store.me;
  const fullName = field({
    name: "full_name",
    label: t("profile.full_name"),
    value: me?.full_name ?? "",
    attributes: { autocomplete: "name", maxlength: 80 },
  });
  const name = nameField({ label: t("profile.name"), value: me?.name ?? "", hint: t("register.name_hint") });
  const status = field({
    name: "status",
    label: t("profile.status"),
    value: me?.status ?? "",
    attributes: { autocomplete: "off", maxlength: 100, placeholder: t("profile.status_hint") },
  });
  const card = h("div", { class: "table-person" }, ownCard(app));
  return form({
    fields: [fullName, name, status],
    submit: t("do.save"),
    body: [
      card,
      h("div", { class: "form-pair" }, fullName.element, name.element),
      status.element,
    ],
    onsubmit: async () => {
      await app.actions.account.updateProfile({
        full_name: fullName.input.value.trim(),
        name: name.input.value.trim(),
        status: status.input.value.trim(),
      });
      replace(card, ownCard(app));
      toast(t("do.saved"));
    },
  }).element;
}

/** @param {App} app */
function ownCard(app) {
  const me = app.store.me;
  if (!me) return null;
  return [
    avatar(me, { size: 48 }),
    h(
      "span",
      null,
      h("b", null, h("bdi", null, me.full_name || me.name)),
      h("small", { class: "field-hint" }, t(me.role === "admin" ? "people.admin" : "people.member")),
    ),
  ];
}

/** @param {App} app */
function appearance(app) {
  const { preferences } = app.store;
  const themes = segments({
    legend: t("profile.theme"),
    value: preferences.theme,
    choices: [
      { value: "system", label: t("profile.theme_system"), icon: "monitor" },
      { value: "light", label: t("profile.theme_light"), icon: "sun" },
      { value: "dark", label: t("profile.theme_dark"), icon: "moon" },
    ],
    onchange: (value) => {
      preferences.theme = /** @type {any} */ (value);
    },
  });
  const sound = checkBox({
    label: t("profile.sound"),
    checked: preferences.sound,
    onchange: (checked) => {
      preferences.sound = checked;
    },
  });
  return h(
    "section",
    { class: "dialog-section" },
    h("h3", null, t("profile.appearance")),
    themes,
    sound.element,
    notifications(app),
  );
}

/** Notifications exist only on a secure page, and only where the person allowed them. @param {App} app */
function notifications(app) {
  const { preferences } = app.store;
  if (!hasNotifications()) {
    const { element } = checkBox({
      label: t("profile.notify"),
      hint: t(isSecureContext ? "profile.notify_none" : "profile.notify_insecure"),
      disabled: true,
    });
    const setUp = h("a", { class: "link", href: "/trust" }, t("profile.notify_setup"));
    return [element, isSecureContext ? null : setUp];
  }
  const denied = Notification.permission === "denied";
  const { element, input } = checkBox({
    label: t("profile.notify"),
    hint: denied ? t("profile.notify_denied") : "",
    disabled: denied,
    checked: preferences.notify && Notification.permission === "granted",
    onchange: async (checked) => {
      const granted = checked && (await Notification.requestPermission()) === "granted";
      preferences.notify = granted;
      input.checked = granted;
    },
  });
  return element;
}

/** @param {App} app */
function passwordSection(app) {
  const old = passwordField.current({ name: "old", label: t("password.old") });
  const fresh = passwordField.fresh({ name: "new", label: t("password.new") });
  const { element } = form({
    fields: [old, fresh],
    submit: t("password.submit"),
    body: h("div", { class: "form-pair" }, old.element, fresh.element),
    onsubmit: async () => {
      await app.actions.account.changePassword(old.input.value, fresh.input.value);
      old.input.value = fresh.input.value = "";
      toast(t("password.done"));
    },
  });
  return h("section", { class: "dialog-section" }, h("h3", null, t("password.title")), element);
}

/** @param {App} app */
function leaveSection(app) {
  return h(
    "section",
    { class: "dialog-section" },
    h("h3", null, t("leave.title")),
    h("p", { class: "dialog-lead" }, t("leave.lead")),
    h(
      "div",
      { class: "form-actions" },
      h("button", { type: "button", class: "button", onclick: () => openLeave(app) }, t("leave.open")),
    ),
  );
}

/** @param {App} app */
function openLeave(app) {
  const messages = messagesChoice();
  const password = passwordField.current();
  const { element } = form({
    fields: [password],
    danger: true,
    submit: t("leave.submit"),
    cancel: () => dialog.close(),
    body: [h("p", null, t("leave.lead")), messages.element, password.element],
    onsubmit: () => app.actions.account.remove(password.input.value, messages.value === "erase"),
  });
  const dialog = openDialog({ title: t("leave.title"), body: element });
}

/** @param {App} app */
export function openSessions(app) {
  const browsers = h("div", { class: "rows rows-lined" });
  const tokens = h("div", { class: "rows rows-lined" });
  const others = h(
    "button",
    { type: "button", class: "button button-small", hidden: true, onclick: () => endOthers(app, load) },
    icon("logout"),
    t("sessions.end_others"),
  );
  const load = () =>
    loadInto(
      browsers,
      () => app.actions.account.sessions(),
      (sessions) => {
        const mine = sessions.filter((session) => session.kind === "browser");
        const keys = sessions.filter((session) => session.kind === "token");
        others.hidden = mine.length < 2;
        mine.sort((a, b) => Number(b.current ?? false) - Number(a.current ?? false) || b.used - a.used);
        replace(
          browsers,
          mine.map((session) => sessionRow(app, session, load)),
        );
        replace(
          tokens,
          keys.length
            ? keys.map((session) => sessionRow(app, session, load))
            : h("p", { class: "field-hint" }, t("tokens.none")),
        );
      },
    );
  openDialog({
    title: t("sessions.title"),
    body: [
      h("section", { class: "dialog-section" }, browsers, h("div", { class: "form-actions" }, others)),
      h(
        "section",
        { class: "dialog-section" },
        h(
          "div",
          { class: "page-section-head" },
          h("h3", null, t("tokens.title")),
          h(
            "button",
            { type: "button", class: "button button-small", onclick: () => openCreateToken(app, load) },
            icon("plus"),
            t("tokens.create"),
          ),
        ),
        h("p", { class: "dialog-lead" }, t("tokens.hint")),
        tokens,
      ),
    ],
  });
  load();
}

/** @param {App} app @param {SessionInfo} session @param {() => void} reload */
function sessionRow(app, session, reload) {
  const end = async () => {
    await attempt(app.actions.account.revokeSession(session.id));
    reload();
  };
  const phone = /Android|iPhone|iPad/.test(session.label);
  // A browser is in use from the moment that it signs in; a token only from its first request.
  const unused = session.kind === "token" && session.used <= session.created;
  const used = session.current
    ? t("sessions.in_use")
    : unused
      ? t("tokens.unused")
      : t("sessions.used", { when: relative(session.used, Date.now()) });
  return h(
    "div",
    { class: "row" },
    icon(session.kind === "token" ? "key" : phone ? "phone" : "laptop"),
    h(
      "span",
      { class: "row-text" },
      h(
        "span",
        { class: "row-title" },
        h("bdi", { class: "truncate" }, session.label),
        session.current ? h("span", { class: "chip chip-accent" }, t("sessions.current")) : null,
      ),
      h(
        "small",
        { class: "truncate", title: fullDate(session.used) },
        [used, session.address].filter(Boolean).join(" · "),
      ),
    ),
    session.current
      ? null
      : h(
          "button",
          { type: "button", class: "button button-small", onclick: end },
          t(session.kind === "token" ? "tokens.revoke" : "sessions.end"),
        ),
  );
}

/** @param {App} app @param {() => void} reload */
async function endOthers(app, reload) {
  await attempt(app.actions.account.revokeOthers());
  reload();
}

/** @param {App} app @param {() => void} reload */
function openCreateToken(app, reload) {
  const label = field({
    name: "label",
    label: t("tokens.label"),
    required: true,
    attributes: { autocomplete: "off", maxlength: 80, placeholder: t("tokens.label_example") },
  });
  const password = passwordField.current({ label: t("tokens.password") });
  const { element } = form({
    fields: [label, password],
    submit: t("tokens.create"),
    cancel: () => dialog.close(),
    body: [label.element, password.element],
    onsubmit: async () => {
      const { token } = await app.actions.account.createToken(label.input.value.trim(), password.input.value);
      replace(
        /** @type {Element} */ (dialog.element.querySelector(".dialog-body")),
        h("p", null, t("tokens.once")),
        secretField(token, t("tokens.title")),
      );
      reload();
    },
  });
  const dialog = openDialog({ title: t("tokens.create"), class: "dialog-small", body: element });
}
