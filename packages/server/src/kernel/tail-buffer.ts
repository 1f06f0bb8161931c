/** Gathers bytes within bounded memory: past a limit, the oldest go. */
export interface TailBuffer {
  append(bytes: Buffer, start: number, end: number): void;
  length(): number;
  /** Whether bytes had to go: what is held is then only the last part. */
  isCut(): boolean;
  /** Hands over what is held, and begins anew. */
  take(): Buffer;
}

const firstSize = 256;
const empty: Buffer = Buffer.alloc(0);

/** Holds everything up to `limitBytes`; of more, at least the last `keepBytes` and at most the last `limitBytes`. */
export function createTailBuffer(limitBytes: number, keepBytes: number): TailBuffer {
  let buffer = empty;
  let length = 0;
  let cut = false;

  /** Makes room for `count` more bytes, which is at most `limitBytes`. */
  function makeRoom(count: number): void {
    if (length + count <= buffer.length) return;
    if (length + count > limitBytes) {
      const kept = Math.min(keepBytes, length, limitBytes - count);
      buffer.copyWithin(0, length - kept, length);
      length = kept;
      cut = true;
    }
    if (length + count <= buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(2 * buffer.length, length + count, firstSize)));
    buffer.copy(larger, 0, 0, length);
    buffer = larger;
  }

  return {
    append(bytes, start, end) {
      if (start >= end) return;
      const from = Math.max(start, end - limitBytes);
      if (from > start) cut = true;
      makeRoom(end - from);
      bytes.copy(buffer, length, from, end);
      length += end - from;
    },
    length: () => length,
    isCut: () => cut,
    take() {
      const held = buffer.subarray(0, length);
      buffer = empty;
      length = 0;
      cut = false;
      return held;
    },
  };
}
