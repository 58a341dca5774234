/** The pages before one is in: signing in, joining, a new password, and a link that is dead. */

import { h, icon, replace } from "../lib/dom.js";
import { t } from "../text/words/index.js";
import { checkBox, field, form, nameField, passwordField } from "./forms.js";
import { errorText, insecureHint, serverBadge } from "./parts.js";

/**
 * @typedef {import("../model/store.js").Store} Store
 * @typedef {ReturnType<typeof import("../actions.js").createClient>["actions"]} Actions
 * @typedef {{invite?: string, password?: string, setup?: string}} Links one-time secrets that came behind the address's #
 * @typedef {import("../protocol/types.js").LinkInfo} LinkInfo
 * @typedef {import("../lib/dom.js").Child} Child
 */

/**
 * @param {{store: Store, actions: Actions, trust: import("../actions/trust.js").Trust}} client
 * @param {Links} links
 * @param {{signedOut: boolean, done: () => void}} options `done`: the link for a new password was used or given up
 */
export function createEntrance({ store, actions, trust }, links, { signedOut, done }) {
  const element = h("main", { class: "entrance" });
  const serverName = () => store.info?.name ?? t("app.name");

  /** @param {string} title @param {Child} lead @param {Child} body @param {Child} [foot] */
  const show = (title, lead, body, foot) => {
    document.title = title;
    replace(element, card({ badge: serverBadge({ ...store.info, name: serverName() }), title, lead, body, foot }));
    focusFirst(element);
  };

  /** @param {{name?: string, word?: string}} [given] */
  function showSignIn({ name = "", word = signedOut ? t("signin.ended") : "" } = {}) {
    const nameInput = nameField({ value: name });
    const password = passwordField.current();
    const shared = checkBox({ label: t("signin.shared"), hint: t("signin.shared_hint") });
    const { element: body } = form({
      fields: [nameInput, password],
      wide: true,
      submit: t("signin.submit"),
      body: [nameInput.element, password.element, shared.element],
      onsubmit: () =>
        actions.account.signIn({
          name: nameInput.input.value.trim(),
          password: password.input.value,
          shared: shared.input.checked,
        }),
    });
    show(t("signin.title", { server: serverName() }), word, body, signInFoot());
  }

  function signInFoot() {
    const forgot = [
      h("p", null, t("signin.forgot")),
      insecureHint(trust, { class: "entrance-hint" }),
    ];
    if (store.info?.join === "network") {
      return [
        h(
          "p",
          null,
          t("signin.no_account"),
          " ",
          linkButton(t("signin.to_register"), () => showRegister(null)),
        ),
        ...forgot,
      ];
    }
    return [h("p", null, t(store.info?.join === "closed" ? "signin.closed" : "signin.invite_only")), ...forgot];
  }

  /** @param {LinkInfo | null} invite */
  function showRegister(invite) {
    const fullName = field({
      name: "full_name",
      label: t("register.full_name"),
      hint: t("register.full_name_hint"),
      attributes: { autocomplete: "name", maxlength: 80 },
    });
    const name = nameField({ hint: t("register.name_hint") });
    const password = passwordField.fresh();
    const shared = checkBox({ label: t("signin.shared"), hint: t("signin.shared_hint") });
    const { element: body } = form({
      fields: [fullName, name, password],
      wide: true,
      submit: t("register.submit"),
      body: [fullName.element, name.element, password.element, shared.element],
      onsubmit: () =>
        actions.account.register({
          name: name.input.value.trim(),
          full_name: fullName.input.value.trim(),
          password: password.input.value,
          shared: shared.input.checked,
          ...(invite ? { invite: links.invite } : {}),
        }),
    });
    const lead = invite ? t("register.invited", { by: invite.by, server: invite.server }) : "";
    show(
      t("register.title", { server: invite?.server ?? serverName() }),
      lead,
      body,
      h(
        "p",
        null,
        t("register.have_account"),
        " ",
        linkButton(t("register.to_signin"), () => showSignIn()),
      ),
    );
  }

  /** @param {LinkInfo} link */
  function showReset(link) {
    const password = passwordField.fresh({ label: t("reset.password") });
    // A password manager stores what it can join to a name.
    const name = h("input", {
      type: "text",
      autocomplete: "username",
      value: link.name ?? "",
      hidden: true,
      readOnly: true,
    });
    const { element: body } = form({
      fields: [password],
      wide: true,
      submit: t("reset.submit"),
      body: [name, password.element],
      onsubmit: async () => {
        const { user } = await actions.account.resetPassword(links.password ?? "", password.input.value);
        done();
        showSignIn({ name: user.name, word: t("reset.done") });
      },
    });
    show(
      t("reset.title", { name: link.name ?? "" }),
      t("reset.intro", { by: link.by }),
      body,
      linkButton(t("register.to_signin"), giveUp),
    );
  }

  function giveUp() {
    done();
    showSignIn();
  }

  /** A tap spends a link; opening the page only asks what it is for. @param {string} secret */
  async function showLink(secret) {
    replace(element, h("div", { class: "spinner late", role: "status", "aria-label": t("app.loading") }));
    try {
      const link = await actions.account.checkLink(secret);
      if (link.kind === "password") showReset(link);
      else showRegister(link);
    } catch (error) {
      // Whatever a link was that somebody cut short or made up, to a person it is one that does not work.
      const again = !["not_found", "bad_request"].includes(/** @type {any} */ (error).code);
      show(
        t("link.title"),
        null,
        h(
          "div",
          { class: "form" },
          h(
            "p",
            { class: "form-error", role: "alert" },
            icon("warning"),
            h("span", { dir: "auto" }, again ? errorText(error) : t("link.dead")),
          ),
          again
            ? h(
                "button",
                { type: "button", class: "button button-primary", onclick: () => showLink(secret) },
                t("do.try_again"),
              )
            : null,
          h("button", { type: "button", class: "button", onclick: giveUp }, t("register.to_signin")),
        ),
      );
    }
  }

  const secret = links.password ?? links.invite;
  if (secret) showLink(secret);
  else showSignIn();
  return { element };
}

/**
 * @param {{badge: Child, title: string, lead?: Child, body: Child, foot?: Child, wide?: boolean}} options
 */
export function card({ badge, title, lead, body, foot, wide = false }) {
  return h(
    "div",
    { class: wide ? "entrance-card entrance-wide" : "entrance-card" },
    h(
      "header",
      { class: "entrance-head" },
      h("span", { class: "entrance-badge", "aria-hidden": "true" }, badge),
      h("h1", { dir: "auto" }, title),
      lead ? h("p", { dir: "auto" }, lead) : null,
    ),
    body,
    foot ? h("footer", { class: "entrance-foot" }, foot) : null,
  );
}

/** @param {string} text @param {() => void} onclick */
function linkButton(text, onclick) {
  return h("button", { type: "button", class: "link", onclick }, text);
}

/** The first empty field; on a phone this would only raise the keyboard over the page. @param {HTMLElement} element */
export function focusFirst(element) {
  if (matchMedia("(pointer: coarse)").matches) return;
  const fields = /** @type {HTMLInputElement[]} */ ([
    ...element.querySelectorAll("input:not([hidden]):not([type=checkbox]):not([type=radio])"),
  ]);
  // Only what is on the page takes the focus, and it is put there right after it was made.
  queueMicrotask(() => (fields.find((input) => input.value === "") ?? fields[0])?.focus());
}
