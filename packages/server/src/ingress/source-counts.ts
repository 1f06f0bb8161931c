/** With so many sources that have no connection any more, the counts are written anew without them. */
const mostIdle = 1_024;

/**
 * How many connections each source has. One whose last connection has closed stays for a while, at none: a caller that
 * opens one after another would otherwise have the map make itself a new table every few connections (see `Slots`).
 */
export class SourceCounts {
  #counts = new Map<string, number>();
  #idle = 0;

  of(source: string): number {
    return this.#counts.get(source) ?? 0;
  }

  add(source: string): void {
    const count = this.#counts.get(source);
    if (count === 0) this.#idle -= 1;
    this.#counts.set(source, (count ?? 0) + 1);
  }

  /** Once for each `add`. */
  remove(source: string): void {
    const left = this.of(source) - 1;
    this.#counts.set(source, left);
    if (left > 0) return;
    this.#idle += 1;
    if (this.#idle <= mostIdle) return;
    this.#counts = new Map(this.#counts.entries().filter(([, count]) => count > 0));
    this.#idle = 0;
  }

  /** How many sources are remembered. */
  get size(): number {
    return this.#counts.size;
  }
}
