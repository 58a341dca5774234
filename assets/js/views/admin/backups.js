/** For admins: the backups of the schedule, one made now, one downloaded, one restored. */

import { Backups } from "../../actions/backups.js";
import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { confirmDialog, toast } from "../../lib/overlay.js";
import { fullDate, relative } from "../../text/dates.js";
import { fileSize } from "../../text/links.js";
import { t } from "../../text/words/backups.js";
import { attempt, emptyState, errorText, loadInto, moment } from "../parts.js";
import { field, form, passwordField } from "../forms.js";
import { chooseFile, progressLine, sending } from "../restoring.js";
import { part } from "./parts.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../actions/backups.js").Backup} Backup
 * @typedef {import("../../actions/backups.js").Shelf} Shelf
 */

/** @param {App} app */
export function create(app) {
  const backups = new Backups(app.actions);
  const list = h("div");
  const restorer = createRestorer(app, backups);
  const key = isSafe() ? securityKey(backups) : null;
  const element = part(t("backups.title"), null, h("div", { class: "backups" }, list, restorer.element, key));
  const load = () => loadInto(list, () => backups.list(), draw);

  /** @param {Shelf} shelf */
  const draw = (shelf) => {
    const table = shelf.backups.length
      ? backupTable(backups, shelf.backups, restorer.restoreKept)
      : emptyState("archive", t("backups.none"), t("backups.none_hint"));
    replace(list, about(shelf), maker(backups, shelf, draw), table);
  };
  load();
  return element;
}

/** @param {Shelf} shelf */
function about({ schedule, keep: [days, weeks, months], folder, same_disk, failure }) {
  const words =
    schedule === "off" ? t("backups.off") : t("backups.daily", { days, weeks, months });
  return h(
    "div",
    { class: "backups-about" },
    h("p", null, words, " ", h("code", { dir: "ltr" }, folder)),
    same_disk && schedule !== "off" ? warning(t("backups.same_disk")) : null,
    failure
      ? warning(t("backups.failed", { when: relative(failure.at, Date.now()), message: failure.message }))
      : null,
  );
}

/** @param {string} text */
function warning(text) {
  return h("p", { class: "backups-warning" }, icon("warning"), h("span", { dir: "auto" }, text));
}

/** @param {Backups} backups @param {Shelf} shelf @param {(shelf: Shelf) => void} draw */
function maker(backups, shelf, draw) {
  const { element: progress, show } = progressLine();
  const button = h("button", { type: "button", class: "button button-primary" }, t("backups.make"));
  /** @param {Promise<Shelf>} work */
  const wait = async (work) => {
    button.disabled = true;
    const done = await attempt(work);
    button.disabled = false;
    show("");
    if (!done) return;
    draw(done);
    if (!done.failure) toast(t("backups.made"));
  };
  button.addEventListener("click", () => wait(backups.make(show)));
  if (shelf.doing) {
    show(shelf.doing);
    wait(backups.follow(show));
  }
  return h("div", { class: "backups-make" }, button, progress);
}

/** @param {Backups} backups @param {Backup[]} listed @param {(backup: Backup) => void} restore */
function backupTable(backups, listed, restore) {
  const heads = /** @type {const} */ (["backups.when", "backups.holds", "backups.size"]);
  return h(
    "table",
    { class: "table table-plain table-backups" },
    h("thead", null, h("tr", null, heads.map((key) => h("th", { scope: "col" }, t(key))), h("th"))),
    h("tbody", null, listed.map((backup) => backupRow(backups, backup, restore))),
  );
}

/** @param {Backups} backups @param {Backup} backup @param {(backup: Backup) => void} restore */
function backupRow(backups, backup, restore) {
  const { people, messages, files } = backup.counts;
  const holds = [
    t("backups.people", { n: people }),
    t("backups.messages", { n: messages }),
    t("backups.files", { n: files }),
  ];
  const label = t("backups.download", { when: fullDate(backup.at) });
  return h(
    "tr",
    null,
    h("td", { title: fullDate(backup.at) }, moment(backup.at)),
    h(
      "td",
      { class: "table-quiet" },
      holds.join(" · "),
      backup.missing ? h("small", { class: "backups-missing" }, t("backups.missing", { n: backup.missing })) : null,
    ),
    h("td", { class: "table-quiet" }, fileSize(backup.bytes)),
    h(
      "td",
      null,
      isSafe()
        ? h(
            "span",
            { class: "backups-actions" },
            iconButton({ icon: "download", label, onclick: () => download(backups, backup) }),
            h(
              "button",
              {
                type: "button",
                class: "button button-small",
                "aria-label": t("backups.restore", { when: fullDate(backup.at) }),
                onclick: () => restore(backup),
              },
              t("restore.action"),
            ),
          )
        : null,
    ),
  );
}

/** @param {Backups} backups @param {Backup} backup */
async function download(backups, backup) {
  if (!(await attempt(backups.ready().then(() => true)))) return;
  h("a", { href: backups.address(backup), download: "" }).click();
}

/** @param {App} app @param {Backups} backups */
function createRestorer(app, backups) {
  const { element: progress, show } = progressLine();
  const problem = h("p", { class: "form-error", role: "alert", hidden: true });
  let busy = false;
  /** @param {string} name what is restored, for a person @param {() => Promise<void>} work */
  const restore = async (name, work) => {
    if (busy) return;
    const text = t("restore.confirm", { name });
    const agreed = await confirmDialog({ title: t("restore.title"), text, action: t("restore.action"), danger: true });
    if (!agreed) return;
    busy = chooser.disabled = true;
    problem.hidden = true;
    progress.scrollIntoView({ block: "nearest" });
    try {
      show(t("restore.checking"));
      await work();
      show(t("restore.starting"));
      const off = app.actions.onReady(() => {
        off();
        location.reload();
      });
    } catch (error) {
      show("");
      problem.hidden = false;
      replace(problem, icon("warning"), h("span", { dir: "auto" }, errorText(error)));
      busy = chooser.disabled = false;
    }
  };
  const chooser = chooseFile(t("restore.choose"), (file) =>
    restore(file.name, () => backups.restore(file, { onprogress: sending(show) })),
  );
  const element = h(
    "section",
    { class: "backups-restore" },
    h("h3", null, t("restore.title")),
    h("p", null, t("restore.about")),
    isSafe()
      ? h("div", { class: "backups-make" }, chooser, progress)
      : h("p", null, t("backups.only_safe"), " ", h("a", { class: "link", href: "/trust" }, t("backups.how"))),
    problem,
  );
  /** @param {Backup} backup */
  const restoreKept = (backup) =>
    restore(t("backups.the_one_of", { when: moment(backup.at) }), () => backups.restoreKept(backup));
  return { element, restoreKept };
}

/** @param {Backups} backups */
function securityKey(backups) {
  const password = passwordField.fresh({ label: t("key.password"), hint: t("key.password_hint") });
  const again = field({
    name: "again",
    label: t("key.again"),
    type: "password",
    required: true,
    attributes: { autocomplete: "new-password" },
    check: (value) => (value === password.input.value ? "" : t("key.differs")),
  });
  const { element } = form({
    fields: [password, again],
    submit: t("key.download"),
    body: h("div", { class: "form-pair" }, password.element, again.element),
    onsubmit: async () => {
      save(await backups.securityKey(password.input.value), "chatbox-security-key.txt");
      for (const { input } of [password, again]) input.value = "";
      toast(t("key.done"));
    },
  });
  return h(
    "section",
    { class: "backups-restore" },
    h("h3", null, t("key.title")),
    h("p", null, t("key.about")),
    element,
  );
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Where nobody on the network can read along. */
function isSafe() {
  return location.protocol === "https:" || ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
}
