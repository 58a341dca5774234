/**
 * @typedef {import('../protocol/types.js').Member} Member
 * @typedef {import('../protocol/types.js').MemberChange} MemberChange
 */

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
