/** The password once more, before an admin changes something. */

import { h } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { t } from "../../text/words/index.js";
import { form, passwordField } from "../forms.js";

/**
 * @param {import("../app.js").App} app
 * @returns {Promise<boolean>} whether it was given
 */
export async function askPassword(app) {
  const password = passwordField.current();
  // A password manager offers what it can join to a name.
  const name = h("input", {
    type: "text",
    autocomplete: "username",
    value: app.store.me?.name ?? "",
    hidden: true,
    readOnly: true,
  });
  const { element } = form({
    fields: [password],
    submit: t("confirm.submit"),
    cancel: () => dialog.close(false),
    body: [h("p", null, t("confirm.lead")), name, password.element],
    onsubmit: async () => {
      await app.actions.account.confirm(password.input.value);
      dialog.close(true);
    },
  });
  const dialog = openDialog({ title: t("confirm.title"), class: "dialog-small", body: element });
  return (await dialog.closed) === true;
}
