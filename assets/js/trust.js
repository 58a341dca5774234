/** The page for a new device: how it comes to trust this server, and then to HTTPS. */

import { Trust } from "./actions/trust.js";
import { browserStorage, shelf } from "./lib/storage.js";
import { createTrustPage } from "./views/trust.js";

const theme = shelf(browserStorage(), "chatbox.").get("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;

const place = /** @type {HTMLElement} */ (document.getElementById("trust"));
createTrustPage(place, new Trust(browserStorage(), location));
