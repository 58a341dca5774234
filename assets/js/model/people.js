import { label } from '../text/names.js';
import { fold } from '../text/rank.js';

/** @typedef {import('../protocol/types.js').Person} Person */

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
