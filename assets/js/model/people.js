import { fold, label } from '../text/names.js';

/**
 * @typedef {import('../protocol/types.js').Person} Person
 * @typedef {import('../protocol/types.js').Member} Member
 * @typedef {import('../protocol/types.js').MemberChange} MemberChange
 */

const TYPING_SHOWN = 6_000;

/** Everyone on the server, and who is here. People are never dropped: old messages need their names. */
export class People {
  /** @type {Map<number, Person>} */
  #people = new Map();
  /** @type {Map<number, 'online' | 'away'>} */
  #here = new Map();

  /**
   * @param {number} id
   * @returns {Person}
   */
  get(id) {
    return this.#people.get(id) ?? { id, name: '', gone: true };
  }

  /** @param {number} id */
  label(id) {
    return label(this.get(id));
  }

  all() {
    return [...this.#people.values()];
  }

  active() {
    const keyed = this.all().filter((person) => !person.gone).map((person) => ({ person, key: fold(label(person)) }));
    return keyed.sort((a, b) => a.key.localeCompare(b.key) || a.person.id - b.person.id).map(({ person }) => person);
  }

  /** @param {string} name as in a mention */
  byName(name) {
    const wanted = name.normalize('NFKC').toLowerCase();
    return this.all().find((person) => !person.gone && person.name.normalize('NFKC').toLowerCase() === wanted);
  }

  /**
   * @param {number} id
   * @returns {'online' | 'away' | 'offline'}
   */
  state(id) {
    return this.#here.get(id) ?? 'offline';
  }

  /**
   * @param {Person[]} people
   * @returns {number[]} their ids
   */
  merge(people) {
    for (const person of people) this.#people.set(person.id, Object.freeze({ ...person }));
    return people.map(({ id }) => id);
  }

  /**
   * @param {{online: number[], away: number[], offline: number[]}} presence
   * @returns {number[]} whose state it tells
   */
  setPresence({ online, away, offline }) {
    for (const id of offline) this.#here.delete(id);
    for (const id of online) this.#here.set(id, 'online');
    for (const id of away) this.#here.set(id, 'away');
    return [...online, ...away, ...offline];
  }

  /**
   * Who is here now, nobody else.
   *
   * @param {number[]} online
   * @param {number[]} away
   * @returns {number[]} whose state may have changed
   */
  resetPresence(online, away) {
    const before = [...this.#here.keys()];
    this.#here.clear();
    return [...new Set([...before, ...this.setPresence({ online, away, offline: [] })])];
  }

  clear() {
    this.#people.clear();
    this.#here.clear();
  }
}

/** Who is in the rooms whose people were asked for. Kept up to date by the room's own order of changes. */
export class Members {
  /** @type {Map<number, Member[]>} */
  #lists = new Map();
  /** What changed while a list was on its way. @type {Map<number, MemberChange[]>} */
  #meanwhile = new Map();

  /** @param {number} room @returns {Member[] | null} null until asked for */
  of(room) {
    return this.#lists.get(room) ?? null;
  }

  /** A list has been asked for. @param {number} room */
  expect(room) {
    this.#meanwhile.set(room, []);
  }

  /**
   * @param {number} room
   * @param {Member[]} list
   */
  set(room, list) {
    this.#lists.set(room, list);
    this.apply(room, this.#meanwhile.get(room) ?? []);
    this.#meanwhile.delete(room);
  }

  /**
   * @param {number} room
   * @param {MemberChange[]} changes
   * @returns {boolean} whether a kept list changed
   */
  apply(room, changes) {
    this.#meanwhile.get(room)?.push(...changes);
    const list = this.#lists.get(room);
    if (!list || !changes.length) return false;
    const users = new Map(list.map((member) => [member.user, member]));
    for (const { user, role, left } of changes) {
      if (left) users.delete(user);
      else users.set(user, { user, role: role ?? 'member' });
    }
    this.#lists.set(room, [...users.values()]);
    return true;
  }

  /** @param {number} room */
  forget(room) {
    return this.#lists.delete(room);
  }

  clear() {
    this.#lists.clear();
    this.#meanwhile.clear();
  }
}

/** Who is typing where. A word of it holds for six seconds, or until that person's message arrives. */
export class Typing {
  /** Room to user to what cancels the end. @type {Map<number, Map<number, () => void>>} */
  #rooms = new Map();
  #clock;
  #changed;

  /**
   * @param {import('../lib/time.js').Clock} clock
   * @param {(room: number) => void} changed
   */
  constructor(clock, changed) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** @param {number} room @returns {number[]} user ids */
  of(room) {
    return [...(this.#rooms.get(room)?.keys() ?? [])];
  }

  /**
   * @param {number} room
   * @param {number} user
   */
  start(room, user) {
    const users = this.#rooms.get(room) ?? new Map();
    users.get(user)?.();
    users.set(user, this.#clock.after(TYPING_SHOWN, () => this.stop(room, user)));
    this.#rooms.set(room, users);
    this.#changed(room);
  }

  /**
   * @param {number} room
   * @param {number} user
   */
  stop(room, user) {
    const users = this.#rooms.get(room);
    const cancel = users?.get(user);
    if (!users || !cancel) return;
    cancel();
    users.delete(user);
    this.#changed(room);
  }

  clear() {
    for (const users of this.#rooms.values()) for (const cancel of users.values()) cancel();
    this.#rooms.clear();
  }
}
