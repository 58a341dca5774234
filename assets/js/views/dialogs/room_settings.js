/** A room's name and topic, who is in it, and leaving or archiving it. */

import { h, icon, iconButton, replace } from "../../lib/dom.js";
import { confirmDialog, openDialog, openMenu, toast } from "../../lib/overlay.js";
import { label } from "../../text/names.js";
import { t } from "../../text/words/index.js";
import { form } from "../forms.js";
import { attempt, avatar, loadInto, personName, roomTitle } from "../parts.js";
import { peoplePicker } from "./picker.js";
import { roomNameField, roomTopicField } from "./rooms.js";

/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../../model/room.js").Room} Room
 * @typedef {import("../../protocol/types.js").Member} Member
 * @typedef {import("../../lib/overlay.js").Dialog} Dialog
 */

const RANK = { owner: 0, moderator: 1, member: 2 };

/** Whether I may change a room's settings and bring people out of it. @param {App} app @param {Room} room */
export function mayManage(app, room) {
  return (
    room.kind !== "direct" &&
    (room.role === "owner" || room.role === "moderator" || app.store.me?.role === "admin")
  );
}

/** @param {App} app @param {Room} room */
function mayRule(app, room) {
  return room.kind !== "direct" && (room.role === "owner" || app.store.me?.role === "admin");
}

/** @param {App} app @param {number} roomId */
export function openRoomSettings(app, roomId) {
  const room = app.store.rooms.get(roomId);
  if (!room) return;
  const members = h("div", { class: "rows rows-lined" });
  const heading = h("h3", null, t("room.members", { n: room.count }));
  const draw = () => {
    drawMembers(app, room, members);
    replace(heading, t("room.members", { n: members.childElementCount }));
  };
  const dialog = openDialog({
    title: roomTitle(app, room),
    body: [
      mayManage(app, room) ? settingsForm(app, room) : aboutRoom(room),
      membersSection(app, room, heading, members),
      endSection(app, room, () => dialog.close()),
    ],
  });
  loadInto(members, () => app.actions.rooms.members(roomId), draw);
  const off = app.store.on("members", (ids) => {
    if (ids.has(roomId)) draw();
  });
  dialog.closed.then(off);
}

/** @param {App} app @param {Room} room */
function settingsForm(app, room) {
  const name = roomNameField(room.name);
  const topic = roomTopicField(room.topic);
  return form({
    fields: [name, topic],
    submit: t("do.save"),
    body: [name.element, topic.element],
    onsubmit: async () => {
      await app.actions.rooms.update(room.id, {
        name: name.input.value.trim(),
        topic: topic.input.value.trim(),
      });
      toast(t("do.saved"));
    },
  }).element;
}

/** @param {Room} room */
function aboutRoom(room) {
  return room.topic ? h("p", { class: "dialog-lead", dir: "auto" }, room.topic) : null;
}

/** @param {App} app @param {Room} room @param {HTMLElement} heading @param {HTMLElement} members */
function membersSection(app, room, heading, members) {
  const add = h(
    "button",
    { type: "button", class: "button button-small", onclick: () => openAddPeople(app, room.id) },
    icon("user-plus"),
    t("room.invite"),
  );
  const mayAdd = room.kind !== "direct" && !room.general && !room.archived;
  return h(
    "section",
    { class: "dialog-section" },
    h("div", { class: "page-section-head" }, heading, mayAdd ? add : null),
    members,
  );
}

/** @param {App} app @param {Room} room @param {HTMLElement} place */
function drawMembers(app, room, place) {
  const list = [...(app.actions.rooms.memberList(room.id) ?? [])];
  const name = (/** @type {Member} */ member) => app.store.people.label(member.user);
  list.sort((a, b) => RANK[a.role] - RANK[b.role] || name(a).localeCompare(name(b)));
  replace(
    place,
    list.map((member) => memberRow(app, room, member)),
  );
}

/** @param {App} app @param {Room} room @param {Member} member */
function memberRow(app, room, member) {
  const person = app.store.people.get(member.user);
  const button = iconButton({
    icon: "more",
    label: t("room.member_actions", { name: label(person) }),
    onclick: () => openMenu(button, memberItems(app, room, member), { align: "end" }),
  });
  const has = memberItems(app, room, member).some(Boolean);
  return h(
    "div",
    { class: "row" },
    avatar(person, { presence: app.store.people.state(person.id) }),
    h(
      "span",
      { class: "row-text" },
      h(
        "span",
        { class: "row-title" },
        personName(person),
        person.id === app.store.me?.id ? h("span", { class: "chip" }, t("people.you")) : null,
        member.role === "member"
          ? null
          : h("span", { class: "chip chip-accent" }, t(`room.role_${member.role}`)),
      ),
      h("small", { class: "truncate" }, h("bdi", null, `@${person.name}`)),
    ),
    has ? button : null,
  );
}

/** What may be done with a member, as menu rows. @param {App} app @param {Room} room @param {Member} member */
export function memberItems(app, room, member) {
  const { user } = member;
  const mine = user === app.store.me?.id;
  const roles = /** @type {const} */ (["owner", "moderator", "member"]);
  const ruled = mayRule(app, room);
  const name = app.store.people.label(user);
  return [
    !mine && { label: t("people.message"), icon: "mail", onclick: () => app.openDirect([user]) },
    ...roles.map(
      (role) =>
        ruled &&
        role !== member.role && {
          label: t(`room.make_${role}`),
          icon: role === "member" ? "user" : "shield",
          onclick: () => attempt(app.actions.rooms.setRole(room.id, user, role)),
        },
    ),
    !mine &&
      !room.general &&
      mayManage(app, room) &&
      member.role !== "owner" && {
        label: t("room.remove"),
        icon: "exit",
        danger: true,
        onclick: () => removeMember(app, room, user, name),
      },
  ];
}

/** @param {App} app @param {Room} room @param {number} user @param {string} name */
async function removeMember(app, room, user, name) {
  const sure = await confirmDialog({
    title: t("room.remove"),
    text: t("room.remove_confirm", { name, room: room.name }),
    action: t("do.remove"),
    danger: true,
  });
  if (sure) await attempt(app.actions.rooms.remove(room.id, user));
}

/** @param {App} app @param {Room} room @param {() => void} close */
function endSection(app, room, close) {
  if (room.general || room.kind === "direct") return null;
  const leave = async () => {
    const text = [
      t("room.leave_confirm", { room: room.name }),
      " ",
      room.kind === "private" ? t("room.leave_private") : null,
    ];
    if (!(await confirmDialog({ title: t("room.leave"), text, action: t("do.leave"), danger: true }))) return;
    close();
    await attempt(app.actions.rooms.leave(room.id));
  };
  const archive = async () => {
    const archived = !room.archived;
    const sure =
      !archived ||
      (await confirmDialog({
        title: t("room.archive"),
        text: t("room.archive_confirm", { room: room.name }),
        action: t("room.archive"),
      }));
    if (!sure) return;
    close();
    await attempt(app.actions.rooms.update(room.id, { archived }));
  };
  return h(
    "section",
    { class: "dialog-section" },
    h(
      "div",
      { class: "form-actions" },
      mayRule(app, room)
        ? h(
            "button",
            { type: "button", class: "button", onclick: archive },
            icon("archive"),
            t(room.archived ? "room.unarchive" : "room.archive"),
          )
        : null,
      h("button", { type: "button", class: "button", onclick: leave }, icon("exit"), t("room.leave")),
    ),
  );
}

/** @param {App} app @param {number} roomId */
export async function openAddPeople(app, roomId) {
  const room = app.store.rooms.get(roomId);
  if (!room) return;
  const members = await attempt(app.actions.rooms.members(roomId));
  if (!members) return;
  /** @type {number[]} */
  let chosen = [];
  const add = h("button", { type: "button", class: "button button-primary", disabled: true }, t("do.add"));
  add.addEventListener("click", async () => {
    const all = (async () => {
      for (const user of chosen) await app.actions.rooms.invite(roomId, user);
      return true;
    })();
    if (await attempt(all)) dialog.close();
  });
  const inside = new Set(members.map((member) => member.user));
  const body = peoplePicker(app, {
    people: () => app.store.people.active().filter((person) => !inside.has(person.id)),
    max: 50,
    placeholder: t("direct.placeholder"),
    onchange: (users) => {
      chosen = users;
      add.disabled = users.length === 0;
    },
  });
  const dialog = openDialog({ title: t("room.add_to", { room: roomTitle(app, room) }), body, footer: add });
}
