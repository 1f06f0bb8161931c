/**
 * Reads something again whenever asked, and hands over what it read. Readings may overlap; what an earlier one
 * brought never replaces what a later one has brought already.
 */
export function createReload<T>(read: () => Promise<T>, apply: (value: T) => void): () => Promise<void> {
  let started = 0;
  let applied = 0;
  return async () => {
    const turn = ++started;
    const value = await read();
    if (turn < applied) return;
    applied = turn;
    apply(value);
  };
}
