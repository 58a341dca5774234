/** The steps for each kind of device, the one in use first. */

import { h, icon, replace } from "../lib/dom.js";
import { deviceOf } from "../text/devices.js";
import { t } from "../text/words/trust.js";

/**
 * @typedef {import("../text/devices.js").Device} Device
 * @typedef {import("../text/words/trust.js").Key} Key
 */

/** @type {Record<Device, {steps: number, file: "crt" | "profile"}>} */
const DEVICES = {
  windows: { steps: 4, file: "crt" },
  macos: { steps: 3, file: "crt" },
  ios: { steps: 3, file: "profile" },
  android: { steps: 4, file: "crt" },
  linux: { steps: 4, file: "crt" },
  firefox: { steps: 3, file: "crt" },
  fleet: { steps: 10, file: "crt" },
};

const FILES = {
  crt: { href: "/trust/chatbox-ca.crt", label: t("get_crt") },
  profile: { href: "/trust/chatbox.mobileconfig", label: t("get_profile") },
};

/** @param {string} name of the certificate, as devices show it @returns {HTMLElement} */
export function createDevices(name) {
  const shown = h("div", { class: "trust-steps" });
  const draw = (/** @type {Device} */ device) => {
    const { steps, file } = DEVICES[device];
    const numbers = Array.from({ length: steps }, (_, at) => at + 1);
    replace(
      shown,
      h(
        "div",
        { class: "trust-files" },
        h(
          "a",
          { class: "button button-primary", href: FILES[file].href, download: true },
          icon("download"),
          FILES[file].label,
        ),
        device === "fleet"
          ? [
              h("a", { class: "button", href: "/trust/chatbox-ca.der", download: true }, t("get_der")),
              h("a", { class: "button", href: FILES.profile.href, download: true }, FILES.profile.label),
            ]
          : null,
      ),
      h(
        "ol",
        null,
        numbers.map((number) => h("li", null, worded(t(/** @type {Key} */ (`${device}_${number}`), { name })))),
      ),
    );
  };
  const first = deviceOf(navigator);
  draw(first);
  return h("div", { class: "trust-group" }, pills(first, draw), shown);
}

/** What stands between backticks is to be typed. @param {string} text */
function worded(text) {
  return text.split("`").map((part, at) => (at % 2 ? h("code", { dir: "ltr" }, part) : part));
}

/** @param {Device} first @param {(device: Device) => void} choose */
function pills(first, choose) {
  const all = /** @type {Device[]} */ (Object.keys(DEVICES));
  return h(
    "fieldset",
    { class: "trust-devices" },
    h("legend", { class: "visually-hidden" }, t("device")),
    all.map((device) =>
      h(
        "label",
        { class: "segment" },
        h("input", {
          type: "radio",
          name: "device",
          value: device,
          checked: device === first,
          onchange: () => choose(device),
        }),
        t(device),
      ),
    ),
  );
}
