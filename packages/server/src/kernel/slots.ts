/**
 * Holds what comes and goes with every exchange. Slots that are emptied and used again, and not a `Set`: a set's old
 * tables, once promoted, keep what was deleted from them alive through many young collections, which for an exchange with
 * its buffers is a third of the time a small request takes.
 */
export class Slots<Item> {
  readonly #items: (Item | undefined)[] = [];
  readonly #free: number[] = [];

  /** Returns the slot to give back to `remove`. */
  add(item: Item): number {
    const slot = this.#free.pop() ?? this.#items.length;
    this.#items[slot] = item;
    return slot;
  }

  /** Once for each `add`. */
  remove(slot: number): void {
    this.#items[slot] = undefined;
    this.#free.push(slot);
  }

  get empty(): boolean {
    return this.#free.length === this.#items.length;
  }

  /** Those that are in it; what comes or goes meanwhile may be seen or not. */
  each(act: (item: Item) => void): void {
    for (const item of this.#items) if (item !== undefined) act(item);
  }
}
