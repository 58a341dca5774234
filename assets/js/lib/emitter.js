/** Tells listeners, by topic. A listener that throws stops nobody else: its error is reported on its own. */
export class Emitter {
  /** @type {Map<string, Set<(value: any) => void>>} */
  #listeners = new Map();

  /**
   * @param {string} topic
   * @param {(value: any) => void} listener
   * @returns {() => void} stops listening
   */
  on(topic, listener) {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /**
   * @param {string} topic
   * @param {unknown} [value]
   */
  emit(topic, value) {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
