/** Numbers that look random and are the same for the same seed (mulberry32), so that a failure can be looked for again. */
export interface Random {
  readonly seed: number;
  /** From 0 up to, not including, 1. */
  fraction(): number;
  /** A whole number, both bounds included. */
  between(least: number, most: number): number;
  pick<const Item>(items: readonly [Item, ...Item[]]): Item;
}

/** The seed in `PORTCULLIS_TEST_SEED`, or a new one. */
export function seededRandom(seed = Number(process.env["PORTCULLIS_TEST_SEED"] ?? Date.now() % 1_000_000)): Random {
  let state = seed;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (least: number, most: number): number => least + Math.floor(fraction() * (most - least + 1));
  return { seed, fraction, between, pick: (items) => items[between(0, items.length - 1)] ?? items[0] };
}
