/**
 * Holds what comes and goes with every exchange. Slots that are emptied and used again, and not a `Set` or a `Map`: each
 * time one of these makes itself a new table, the old one points to it. Once one old table has been promoted, each of
 * its successors is promoted by it, dead or alive, with what was in it at the time, until the next full collection. For an
 * exchange with its buffers that was a sixth to a third of the time that a small request takes.
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

  get size(): number {
    return this.#items.length - this.#free.length;
  }

  /** So many of those that are in it, or all. */
  some(count: number): Item[] {
    const found: Item[] = [];
    for (const item of this.#items) {
      if (found.length === count) break;
      if (item !== undefined) found.push(item);
    }
    return found;
  }

  /** Those that are in it; what comes or goes meanwhile may be seen or not. */
  each(act: (item: Item) => void): void {
    for (const item of this.#items) if (item !== undefined) act(item);
  }
}
