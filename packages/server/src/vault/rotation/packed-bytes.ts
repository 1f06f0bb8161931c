/** Byte strings one after the other, in memory that can be given to another thread as a whole. */
export interface PackedBytes {
  /** -1 for what was `undefined`. */
  readonly sizes: readonly number[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export function packBytes(all: readonly (Uint8Array | undefined)[]): PackedBytes {
  const sizes = all.map((each) => each?.length ?? -1);
  const bytes = new Uint8Array(all.reduce((sum, each) => sum + (each?.length ?? 0), 0));
  let end = 0;
  for (const each of all) {
    if (each === undefined) continue;
    bytes.set(each, end);
    end += each.length;
  }
  return { sizes, bytes };
}

export function unpackBytes({ sizes, bytes }: PackedBytes): (Uint8Array | undefined)[] {
  let end = 0;
  return sizes.map((size) => (size < 0 ? undefined : bytes.subarray(end, (end += size))));
}
