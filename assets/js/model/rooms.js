import { fold, label } from '../text/names.js';
import { Room } from './room.js';

/** @typedef {import('../protocol/types.js').RoomInfo} RoomInfo */

const DIRECT_SHOWN = 15;

/** The rooms that I am in. */
export class Rooms {
  /** @type {Map<number, Room>} */
  #rooms = new Map();
  #people;
  #context;

  /**
   * @param {import('./people.js').People} people
   * @param {() => {me: number, open: number | null}} context
   */
  constructor(people, context) {
    this.#people = people;
    this.#context = context;
  }

  /** @param {number} id */
  get(id) {
    return this.#rooms.get(id);
  }

  all() {
    return [...this.#rooms.values()];
  }

  /** @param {RoomInfo} info */
  add(info) {
    const room = new Room(info);
    this.#rooms.set(room.id, room);
    return room;
  }

  /** @param {number} id */
  delete(id) {
    return this.#rooms.delete(id);
  }

  clear() {
    this.#rooms.clear();
  }

  /**
   * @param {Room} room
   * @returns {string} its name, without #; of a direct room the others' names
   */
  title(room) {
    if (room.kind !== 'direct') return room.name;
    const { me } = this.#context();
    const others = room.others(me);
    return (others.length ? others : [me]).map((id) => label(this.#people.get(id))).join(', ');
  }

  /** @returns {{rooms: Room[], direct: Room[], more: Room[]}} */
  sidebar() {
    const { open } = this.#context();
    const all = this.all();
    const rooms = all.filter((room) => room.kind !== 'direct' && (!room.archived || room.id === open));
    const direct = all.filter((room) => room.kind === 'direct').sort((a, b) => b.at - a.at || b.id - a.id);
    const listed = direct.filter((room) => !room.hidden || room.id === open);
    const shown = new Set(listed.filter((room, i) => i < DIRECT_SHOWN || room.unread > 0 || room.id === open));
    return {
      rooms: this.#byName(rooms),
      direct: direct.filter((room) => shown.has(room)),
      more: direct.filter((room) => !shown.has(room)),
    };
  }

  archived() {
    return this.#byName(this.all().filter((room) => room.archived));
  }

  /** @param {number[]} users others than me, or me alone */
  directWith(users) {
    const { me } = this.#context();
    const wanted = new Set([...users, me]);
    return this.all().find(
      (room) => room.kind === 'direct' && room.users.length === wanted.size && room.users.every((user) => wanted.has(user)),
    );
  }

  /** @returns {{unread: number, mentions: number, badge: number}} `badge`: what the title and the favicon show */
  totals() {
    const sums = { unread: 0, mentions: 0, badge: 0 };
    for (const room of this.#rooms.values()) {
      sums.unread += room.unread;
      sums.mentions += room.mentions;
      sums.badge += room.kind === 'direct' ? room.unread : room.mentions;
    }
    return sums;
  }

  /**
   * The room above or below another in the sidebar, around its ends.
   *
   * @param {number | null} from
   * @param {1 | -1} step
   * @param {boolean} unreadOnly
   * @returns {Room | null}
   */
  next(from, step, unreadOnly) {
    const { rooms, direct } = this.sidebar();
    const order = [...rooms, ...direct];
    const at = order.findIndex((room) => room.id === from);
    const start = at < 0 && step < 0 ? 0 : at;
    for (let i = 1; i <= order.length; i++) {
      const room = order[(start + i * step + order.length * 2) % order.length];
      if (room.id !== from && (!unreadOnly || room.unread > 0)) return room;
    }
    return null;
  }

  /** @param {Room[]} rooms */
  #byName(rooms) {
    const keyed = rooms.map((room) => ({ room, key: fold(room.name) }));
    keyed.sort((a, b) => Number(b.room.general) - Number(a.room.general) || a.key.localeCompare(b.key) || a.room.id - b.room.id);
    return keyed.map(({ room }) => room);
  }
}
