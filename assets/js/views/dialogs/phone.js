/** My sign-in on another device: its camera reads a code here, and I agree to it. */

import { h, icon, replace } from "../../lib/dom.js";
import { openDialog } from "../../lib/overlay.js";
import { qrCode } from "../../lib/picture.js";
import { t } from "../../text/words/index.js";
import { attempt, loadInto } from "../parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../protocol/types.js").Moving} Moving
 */

/** Between two looks at whether a device asks, in ms. */
const AGAIN = 1000;

/** @param {App} app */
export function openPhone(app) {
  const { account } = app.actions;
  const body = h("div", { class: "phone-offer", role: "status" });
  let shown = "";
  let open = true;
  const dialog = openDialog({
    title: t("phone.title"),
    class: "dialog-small",
    body,
    onclose: () => {
      open = false;
      if (shown !== "arrived") void account.allow(false).catch(() => {});
    },
  });

  const offer = () => {
    shown = "offered";
    loadInto(
      body,
      () => account.offer(),
      ({ rows }) => {
        replace(
          body,
          h("p", null, t("phone.lead")),
          qrCode(rows, t("phone.qr")),
          h("p", { class: "field-hint" }, t("phone.network")),
        );
        setTimeout(look, AGAIN);
      },
    );
  };

  /** Follows until there is nothing more to come. */
  const look = async () => {
    if (!open) return;
    const found = await account.moving().catch(() => null);
    if (!open) return;
    if (found && found.phase !== shown) draw(found);
    if (!found || (found.phase !== "arrived" && found.phase !== "over")) setTimeout(look, AGAIN);
  };

  /** @param {Moving} moving */
  const draw = (moving) => {
    shown = moving.phase;
    if (moving.phase === "asked") replace(body, asked(moving, answer));
    if (moving.phase === "allowed") replace(body, h("p", null, t("phone.waiting")));
    if (moving.phase === "arrived") replace(body, icon("check", "phone-mark"), h("p", null, h("b", null, t("phone.done"))));
    if (moving.phase === "over")
      replace(
        body,
        h("p", null, t("phone.over")),
        h("button", { type: "button", class: "button button-primary", onclick: offer }, t("phone.again")),
      );
  };

  /** @param {boolean} allow */
  const answer = async (allow) => {
    await attempt(account.allow(allow));
    if (!allow) dialog.close();
  };

  offer();
}

/** @param {Moving} moving @param {(allow: boolean) => void} answer */
function asked({ label = "", address = "" }, answer) {
  return [
    icon("phone", "phone-mark"),
    h("p", null, h("b", null, t("phone.asked"))),
    h("p", { dir: "auto" }, t("phone.asked_by", { label, address })),
    h("p", { class: "field-hint" }, t("phone.asked_hint")),
    h(
      "div",
      { class: "form-actions" },
      h("button", { type: "button", class: "button", onclick: () => answer(false) }, t("phone.refuse")),
      h(
        "button",
        { type: "button", class: "button button-primary", onclick: () => answer(true) },
        t("phone.allow"),
      ),
    ),
  ];
}
