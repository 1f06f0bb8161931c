import type { Edit } from "./json-scan.ts";
import { ownMemory } from "./memory.ts";
import { nextTurn, sliceBytes } from "./turns.ts";

/*
 * Changing a few bytes of a large body. Fresh memory is what costs: for a body of 200 KB, getting it and filling it takes
 * longer than all else that is done to it. So a body is put together with room in front of it, and an edit near its
 * beginning, which is where models are named, moves the few bytes before it and nothing else.
 */

/** What a change of name and a request for usage add, several times over. */
const roomBytes = 512;
/** Edits further back are made in a copy: as much as this is set aside and written again. */
const mostMovedBytes = 16 * 1024;

/** Bytes that have room in front of them. */
const roomy = new WeakSet<Buffer>();

/** The chunks as one, in memory of its own. */
export function join(chunks: readonly Buffer[]): Buffer {
  const whole = roomFor(chunks);
  let at = 0;
  for (const chunk of chunks) at += chunk.copy(whole, at);
  return whole;
}

/** The same for what may be large: a slice in each turn of the event loop. */
export async function joinInSlices(chunks: readonly Buffer[]): Promise<Buffer> {
  const whole = roomFor(chunks);
  let at = 0;
  let turnEnd = sliceBytes;
  for (const chunk of chunks) {
    for (let read = 0; read < chunk.length; ) {
      if (at === turnEnd) {
        await nextTurn();
        turnEnd = at + sliceBytes;
      }
      const copied = chunk.copy(whole, at, read, Math.min(chunk.length, read + turnEnd - at));
      at += copied;
      read += copied;
    }
  }
  return whole;
}

function roomFor(chunks: readonly Buffer[]): Buffer {
  const sizeBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const whole = ownMemory(roomBytes + sizeBytes).subarray(roomBytes);
  roomy.add(whole);
  return whole;
}

/**
 * The bytes with all edits made, every other byte as it was. Edits may come in any order but must not overlap. The bytes
 * given may have changed afterwards, so they are not to be used any more. What has to be copied and is large is copied in slices.
 */
export function spliceInPlace(bytes: Buffer, edits: readonly Edit[]): Buffer | Promise<Buffer> {
  const sorted = inOrder(bytes, edits);
  const grownBytes = growthOf(sorted);
  const movedBytes = sorted.at(-1)?.end ?? 0;
  const room = roomy.has(bytes) ? roomBytes : 0;
  if (grownBytes > room || movedBytes > mostMovedBytes) {
    return bytes.length > sliceBytes ? joinInSlices(partsOf(bytes, sorted)) : splice(bytes, edits);
  }
  const before = Buffer.allocUnsafe(movedBytes);
  bytes.copy(before, 0, 0, movedBytes);
  const memory = room === 0 ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset - room, room + bytes.length);
  const start = room - grownBytes;
  write(memory, start, before, sorted);
  return memory.subarray(start);
}

/** The same in a copy. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const sorted = inOrder(bytes, edits);
  const spliced = Buffer.allocUnsafe(bytes.length + growthOf(sorted));
  const written = write(spliced, 0, bytes, sorted);
  bytes.copy(spliced, written, sorted.at(-1)?.end ?? 0);
  return spliced;
}

function partsOf(bytes: Buffer, edits: readonly Edit[]): readonly Buffer[] {
  let read = 0;
  const parts = edits.flatMap(({ start, end, replacement }) => {
    const before = bytes.subarray(read, start);
    read = end;
    return [before, replacement];
  });
  return [...parts, bytes.subarray(read)];
}

/** Writes everything up to the end of the last edit, and gives where that ends. */
function write(target: Buffer, start: number, source: Buffer, edits: readonly Edit[]): number {
  let read = 0;
  let written = start;
  for (const edit of edits) {
    written += source.copy(target, written, read, edit.start);
    written += edit.replacement.copy(target, written);
    read = edit.end;
  }
  return written;
}

function growthOf(edits: readonly Edit[]): number {
  let grownBytes = 0;
  for (const { start, end, replacement } of edits) grownBytes += replacement.length - (end - start);
  return grownBytes;
}

function inOrder(bytes: Buffer, edits: readonly Edit[]): readonly Edit[] {
  const sorted = edits.length === 1 ? edits : edits.toSorted((one, other) => one.start - other.start);
  let last = 0;
  for (const { start, end } of sorted) {
    if (start < last || end < start || end > bytes.length) {
      throw new RangeError(`the edit of bytes ${start} to ${end} overlaps another or lies outside`);
    }
    last = end;
  }
  return sorted;
}
