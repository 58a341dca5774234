import { MemoryShelf } from '../lib/storage.js';

/**
 * @typedef {import('../lib/storage.js').Shelf} Shelf
 * @typedef {'system' | 'light' | 'dark'} Theme
 */

/** What a person likes on this device. The theme is known before anyone signs in; the rest belongs to one server and one person. */
export class Preferences {
  #device;
  /** @type {Shelf} */
  #own = new MemoryShelf();
  #changed;

  /**
   * @param {Shelf} device
   * @param {() => void} changed
   */
  constructor(device, changed) {
    this.#device = device;
    this.#changed = changed;
  }

  /** @param {Shelf} own */
  open(own) {
    this.#own = own;
    this.#changed();
  }

  close() {
    this.open(new MemoryShelf());
  }

  /** @returns {Theme} */
  get theme() {
    const theme = this.#own.get('theme') ?? this.#device.get('theme');
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  }

  set theme(theme) {
    this.#own.set('theme', theme);
    if (!(this.#own instanceof MemoryShelf)) this.#device.set('theme', theme);
    this.#changed();
  }

  get sound() {
    return this.#own.get('sound') !== 'off';
  }

  set sound(on) {
    this.#own.set('sound', on ? 'on' : 'off');
    this.#changed();
  }

  get notify() {
    return this.#own.get('notify') === 'on';
  }

  set notify(on) {
    this.#own.set('notify', on ? 'on' : 'off');
    this.#changed();
  }

  /** @returns {number | null} */
  get lastRoom() {
    return Number(this.#own.get('room')) || null;
  }

  set lastRoom(room) {
    this.#own.set('room', String(room ?? ''));
  }

  /** What was typed and not sent. @param {number} room */
  draft(room) {
    return this.#own.get(`draft.${room}`) ?? '';
  }

  /**
   * @param {number} room
   * @param {string} text
   */
  setDraft(room, text) {
    if (text) this.#own.set(`draft.${room}`, text);
    else this.#own.remove(`draft.${room}`);
  }

  /** Forget what was typed: its writer signs out. */
  clearDrafts() {
    for (const key of this.#own.keys()) if (key.startsWith('draft.')) this.#own.remove(key);
  }
}
