/*
 * Memory of large bodies, given back as soon as it is not needed. The collector would free it too, but only when it looks
 * through the whole heap, and it does that each time so and so much of such memory has been taken: with bodies of 200 KB that
 * was a sixth of all CPU time, and a body never lay where the one before it had, in memory that the processor still has at hand.
 */

/** What `ownMemory` gave. */
const owned = new WeakSet<ArrayBufferLike>();

/** Memory, not cleared, of which nobody else has a part. */
export function ownMemory(sizeBytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(sizeBytes);
  owned.add(memory.buffer);
  return memory;
}

/**
 * Gives back the memory under these bytes, if it came from `ownMemory` or they are all of it. Every view of it is empty from then
 * on, so nothing may be writing it out at that moment.
 */
export function release({ buffer, byteLength }: Buffer): void {
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return;
  if (owned.has(buffer) || byteLength === buffer.byteLength) buffer.transfer(0);
}

/** The same bytes; what came from another thread is a Buffer no more. */
export function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
