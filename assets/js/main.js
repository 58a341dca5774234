/** Wires the client to the page: which page is shown in which phase. */

import { createClient } from "./actions.js";
import { Trust } from "./actions/trust.js";
import { h, icon, replace } from "./lib/dom.js";
import { closeNotifications, followNotifications } from "./lib/attention.js";
import { overlayWords } from "./lib/overlay.js";
import { browserStorage } from "./lib/storage.js";
import { parseFragment } from "./text/links.js";
import { t } from "./text/words/index.js";
import { createApp, startFrame } from "./views/app.js";
import { lazily } from "./views/parts.js";
import { createAnnouncer, createNotifications } from "./views/room/index.js";

/** The page's own version: the folder that it was loaded from. */
const assets = new URL(import.meta.url).pathname.split("/").at(-3) ?? "";

const entrance = /** @type {HTMLElement} */ (document.getElementById("entrance"));
const frame = /** @type {HTMLElement} */ (document.getElementById("frame"));
const { hash } = location;
const links = takeSecrets();
const trust = new Trust(browserStorage(), location);
const { store, actions } = createClient({
  assets,
  focused: () => document.hasFocus() && !document.hidden,
  targets: { window, document },
  go,
});
/** @type {string} what is on screen */
let showing = "";

overlayWords.close = t("do.close");
overlayWords.cancel = t("do.cancel");
applyTheme();
store.on("preferences", applyTheme);
store.on("phase", show);
store.on("connection", () => {
  if (showing === "waiting") replace(entrance, waiting());
});
// An invitation or the like that is opened in a tab that is here already.
addEventListener("hashchange", () => {
  const { invite, password, setup, move } = parseFragment(location.hash);
  if (invite || password || setup || move) location.reload();
});
followNotifications();
show();
begin();

async function begin() {
  const better = await trust.better();
  if (better) location.replace(`${better}/${hash}`);
  else if (links.move) showMove({ move: links.move, kept: links.kept });
  else actions.start();
}

/** @param {{move: string, kept?: string}} secret */
function showMove(secret) {
  showing = "move";
  lazily(import("./views/move.js"), async ({ createMove }) => {
    const page = await createMove({ actions }, secret, () => {
      showing = "";
      show();
      actions.start();
    });
    if (showing === "move") replace(entrance, page.element);
  });
}

/** Leaves for another address of the server, unless something is open that would be lost. @param {() => string} address */
function go(address) {
  if (document.querySelector("dialog[open], .upload, .composer-bar:not([hidden])")) return;
  dispatchEvent(new Event("pagehide")); // whoever writes later writes now
  const { room } = parseFragment(location.hash);
  const to = address();
  location.replace(room && to.includes("#") ? `${to}&room=${room}` : to);
}

/** A secret does not stay in the address bar, where the next screenshot would carry it. */
function takeSecrets() {
  const { invite, password, setup, move, kept, room } = parseFragment(location.hash);
  const place = move && room ? `#room=${room}` : "";
  if (invite || password || setup || move)
    history.replaceState(history.state, "", `${location.pathname}${place}`);
  return { invite, password, setup, move, kept };
}

function applyTheme() {
  const { theme } = store.preferences;
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** @returns {string} what belongs on screen */
function wanted() {
  const { phase } = store;
  if (phase === "setup") return "setup";
  if (links.password && phase !== "starting") return "entrance";
  if (phase === "signin") return "entrance";
  return phase === "ready" ? "app" : "waiting";
}

function show() {
  const next = wanted();
  if (next === showing) return;
  if (showing === "app") return leave(next);
  showing = next;
  entrance.hidden = next === "app";
  frame.hidden = next !== "app";
  if (next === "app") startApp();
  else showPage(next);
}

/** Whoever signs out leaves nothing behind in this page. A new snapshot is no leaving. @param {string} next */
function leave(next) {
  if (next === "waiting") return;
  history.replaceState({ signedOut: true }, "", location.pathname);
  location.reload();
}

/** Whoever is signed in never needs these pages, so they are loaded only here. @param {string} name */
function showPage(name) {
  if (name === "waiting") return replace(entrance, waiting());
  closeNotifications(() => true); // nobody is signed in
  const done = () => {
    links.password = undefined;
    show();
  };
  const draw = (/** @type {HTMLElement} */ element) => {
    if (showing === name) replace(entrance, element);
  };
  if (name === "setup")
    return lazily(import("./views/setup.js"), ({ createSetup }) =>
      draw(createSetup({ actions }, links.setup).element),
    );
  const signedOut = history.state?.signedOut === true;
  return lazily(import("./views/entrance.js"), ({ createEntrance }) =>
    draw(createEntrance({ store, actions, trust }, links, { signedOut, done }).element),
  );
}

function waiting() {
  const offline = store.connection.state === "waiting";
  return h(
    "main",
    { class: "entrance" },
    h(
      "div",
      { class: "empty late", role: "status" },
      offline ? icon("warning") : h("div", { class: "spinner" }),
      h("p", null, t(offline ? "connection.offline" : "app.loading")),
      offline
        ? h(
            "button",
            { type: "button", class: "button", onclick: () => actions.retryNow() },
            t("connection.try_now"),
          )
        : null,
    ),
  );
}

function startApp() {
  replace(entrance);
  if (history.state?.signedOut) history.replaceState(null, "", location.href);
  const app = createApp({ store, actions, trust });
  startFrame(app);
  app.start();
  createAnnouncer(app);
  createNotifications(app);
}
