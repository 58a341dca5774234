const SHOWN = 6_000;

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
    users.set(user, this.#clock.after(SHOWN, () => this.stop(room, user)));
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
