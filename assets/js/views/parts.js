/** What stands for people and rooms wherever they are drawn, and a few small services of every view. */

import { h, icon, iconButton } from "../lib/dom.js";
import { hasNotifications } from "../lib/attention.js";
import { openDialog, toast } from "../lib/overlay.js";
import { dayHeading, time } from "../text/dates.js";
import { permalink as linkTo } from "../text/links.js";
import { colourIndex, initials, label } from "../text/names.js";
import { explain, t } from "../text/words/index.js";

/** @typedef {import("../protocol/types.js").Person} Person */
/** @typedef {import("../model/room.js").Room} Room */
/** @typedef {import("./app.js").App} App */
/** @typedef {"online" | "away" | "offline"} Presence */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);
/** What the keys are called on this system. */
export const keyNames = {
  command: APPLE ? "⌘" : "Ctrl",
  alt: APPLE ? "⌥" : "Alt",
  shift: APPLE ? "⇧" : "Shift",
};

/** @param {unknown} error */
export const errorText = (error) => explain(error);

/**
 * Initials on a colour that is always the same for a person: round for people, a rounded square for bots.
 * @param {Person} person
 * @param {{size?: 20 | 24 | 28 | 36 | 48 | 72, presence?: Presence}} [options]
 */
export function avatar(person, { size = 36, presence } = {}) {
  const letters = initials(label(person));
  return h(
    "span",
    {
      class: `avatar avatar-c${colourIndex(person.id)}`,
      "aria-hidden": "true",
      "data-bot": person.bot === true,
      style: { "--size": `${size}px` },
    },
    person.bot ? icon("robot") : size < 28 ? initials(letters) : letters,
    presence ? dot(presence) : null,
  );
}

/** @param {Presence} state */
function dot(state) {
  return h("span", { class: "presence", "data-state": state });
}

/** The dot with its word, for where nothing else says it. @param {Presence} state */
export function presenceDot(state) {
  return h("span", {
    class: "presence",
    "data-state": state,
    role: "img",
    "aria-label": t(`presence.${state}`),
    title: t(`presence.${state}`),
  });
}

/** What stands for the server: its picture, else its initial. @param {{name: string, logo?: string} | null | undefined} server */
export function serverBadge(server) {
  const name = server?.name ?? t("app.name");
  return h(
    "span",
    { class: "sidebar-badge", "aria-hidden": "true" },
    server?.logo ? h("img", { src: `/logo/${server.logo}`, alt: "" }) : initials(name).slice(0, 1),
  );
}

/** @param {Person} person */
export function personName(person) {
  return h("bdi", { class: "person-name" }, label(person) || t("message.somebody"));
}

/** @param {Room} room @returns {string} the name of the icon */
export function roomIconName(room) {
  if (room.kind === "direct") return room.users.length > 2 ? "people" : "user";
  return room.kind === "private" ? "lock" : "hash";
}

/** @param {Room} room */
export function roomIcon(room) {
  return icon(roomIconName(room));
}

/** @param {App} app @param {Room} room */
export function roomTitle(app, room) {
  return app.store.rooms.title(room);
}

/** @param {App} app @param {Room | {id: number}} room @param {number} seq */
export function permalink(app, room, seq) {
  return linkTo(app.store.server?.addresses[0] ?? location.origin, room.id, seq);
}

/**
 * To the clipboard where the page may (a secure context), else selected in a dialog for Ctrl+C.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copyText(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      toast(t("do.copied"));
      return true;
    } catch {
      // Refused by the browser: the selection below does it.
    }
  }
  return copyBySelection(text);
}

/** @param {string} text */
function copyBySelection(text) {
  const area = h("textarea", { class: "input", readonly: true, "aria-label": t("copy.label") });
  area.value = text;
  const dialog = openDialog({
    title: t("copy.title"),
    class: "dialog-small",
    body: [h("p", { class: "dialog-lead" }, t("copy.hint")), area],
  });
  area.select();
  // Gone from the standards, there in every browser, and the only way on a plain-HTTP page.
  const copied = document.execCommand("copy");
  if (copied) {
    dialog.close();
    toast(t("do.copied"));
  }
  return copied;
}

/**
 * A text to hand over, with a button that copies it.
 * @param {string} text
 * @param {string} name what it is, for screen readers
 * @param {{focus?: boolean}} [options] whether copying it is the next thing to do
 */
export function secretField(text, name, { focus = true } = {}) {
  const input = h("input", {
    class: "input",
    readonly: true,
    "aria-label": name,
    dir: "ltr",
    onfocus: () => input.select(),
  });
  input.value = text;
  return h(
    "div",
    { class: "secret" },
    input,
    h(
      "button",
      { type: "button", class: "button button-primary", autofocus: focus, onclick: () => copyText(text) },
      icon("copy"),
      t("do.copy"),
    ),
  );
}

/** A moment to come, short. @param {number} ms */
export function moment(ms) {
  return `${dayHeading(ms, Date.now())}, ${time(ms)}`;
}

/**
 * On plain HTTP, where there is something better: what this page lacks, and the way there. Asked of the browser feature
 * by feature, since each has its own idea of what is secure.
 * @param {import("../actions/trust.js").Trust} trust
 * @param {{class: string, onhide?: () => void}} options `onhide`: it can be put away
 */
export function insecureHint(trust, { class: className, onhide }) {
  const element = h(
    "p",
    { class: className, hidden: true },
    icon("shield"),
    h(
      "span",
      { class: "grow" },
      t(hasNotifications() ? "insecure.open" : "insecure.no_notices"),
      " ",
      h("a", { class: "link", href: "/trust" }, t("insecure.set_up")),
    ),
    onhide
      ? iconButton({ icon: "close", label: t("do.hide"), onclick: () => ((element.hidden = true), onhide()) })
      : null,
  );
  trust.isOffered().then((offered) => (element.hidden = !offered));
  return element;
}

/**
 * An empty state.
 * @param {string} iconName
 * @param {string} title
 * @param {string} [text]
 */
export function emptyState(iconName, title, text) {
  return h("div", { class: "empty" }, icon(iconName), h("b", null, title), text ? h("p", null, text) : null);
}

/**
 * What is shown while something is fetched, and a way on where that failed.
 * @template T
 * @param {HTMLElement} place
 * @param {() => Promise<T>} load
 * @param {(value: T) => void} draw
 */
export async function loadInto(place, load, draw) {
  place.replaceChildren(
    h(
      "div",
      { class: "empty late" },
      h("div", { class: "spinner", role: "status", "aria-label": t("app.loading") }),
    ),
  );
  try {
    draw(await load());
  } catch (error) {
    place.replaceChildren(
      h(
        "div",
        { class: "empty" },
        icon("warning"),
        h("p", { dir: "auto" }, errorText(error)),
        h(
          "button",
          { type: "button", class: "button", onclick: () => loadInto(place, load, draw) },
          t("do.try_again"),
        ),
      ),
    );
  }
}

/**
 * Runs with a module that is seldom needed, so that opening the chat does not wait for it.
 * @template T, R
 * @param {Promise<T>} loading
 * @param {(module: T) => R} run
 * @returns {Promise<Awaited<R> | undefined>} what that gives; undefined where there was no module, which is said here
 */
export async function lazily(loading, run) {
  let module;
  try {
    module = await loading;
  } catch {
    // Offline, or the server has a newer client and not this one's files any more.
    toast(t("app.part_missing"), {
      kind: "error",
      action: { label: t("app.reload_now"), onclick: () => location.reload() },
    });
    return undefined;
  }
  return await run(module);
}

/**
 * Does it, and says in words where it was refused.
 * @template T
 * @param {Promise<T>} promise
 * @returns {Promise<T | undefined>}
 */
export async function attempt(promise) {
  try {
    return await promise;
  } catch (error) {
    toast(errorText(error), { kind: "error" });
    return undefined;
  }
}
