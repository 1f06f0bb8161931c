import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Slots } from "../kernel/slots.ts";
import type { RequestRecord } from "./record.ts";

/** `writeSync` with a position: writes `length` bytes from `offset` of `bytes` and returns how many it wrote. */
export type Write = (descriptor: number, bytes: Buffer, offset: number, length: number, position: number) => number;

/** How far ahead a segment's file is filled with zeros: 13 µs on the machine this was measured on. */
export const stepBytes = 65_536;
const zeros = Buffer.alloc(stepBytes);

/** A request that was let in: to be handed back to the journal with its end. */
export interface OpenRequest {
  readonly row: RequestRecord;
  /** Where its start was written; `undefined` once it has ended. */
  place: Place | undefined;
}

export interface Place {
  readonly segment: Segment;
  readonly slot: number;
  readonly promisedBytes: number;
}

/**
 * One file of the journal, as its writer sees it.
 *
 *     0 ........ usedBytes ........ usedBytes + promisedBytes ........ allocatedBytes
 *     | lines    | zeros, promised to the ends of open requests | zeros, free |
 *
 * The invariant `usedBytes + promisedBytes <= allocatedBytes` is what keeps an end from being lost on a full disk: room
 * is made (by writing zeros, so that the blocks are really ours) before a request is let in, and a line is written over
 * zeros. A line is one positioned write, so a write that fails or stops short leaves `usedBytes` where it was, and the
 * next line goes over the remains.
 */
export class Segment {
  readonly name: string;
  readonly #descriptor: number;
  readonly #write: Write;
  readonly #open = new Slots<OpenRequest>();
  #usedBytes = 0;
  #promisedBytes = 0;
  #allocatedBytes = 0;
  #failed = false;

  private constructor(name: string, descriptor: number, write: Write) {
    this.name = name;
    this.#descriptor = descriptor;
    this.#write = write;
  }

  /** Makes the file, which must not exist yet, readable by its owner alone. Throws the file system's error. */
  static create(directory: string, name: string, write: Write = writeSync): Segment {
    return new Segment(name, openSync(join(directory, name), "wx", 0o600), write);
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Whether all its requests have ended, or were moved. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** So many of those that have not, or all there are. */
  openRequests(count: number): OpenRequest[] {
    return this.#open.some(count);
  }

  /** Whether a write has failed. Such a segment takes no new requests; its open ones still try to end in it. */
  get failed(): boolean {
    return this.#failed;
  }

  /** How many bytes must yet be allocated before `bytes` more are free. */
  missingBytes(bytes: number): number {
    return Math.max(0, this.#usedBytes + this.#promisedBytes + bytes - this.#allocatedBytes);
  }

  /** Allocates until `bytes` are free. Throws the file system's error; what was allocated until then stays. */
  makeRoom(bytes: number): void {
    while (this.missingBytes(bytes) > 0) {
      const written = this.#write(this.#descriptor, zeros, 0, zeros.length, this.#allocatedBytes);
      if (written === 0) throw new Error("nothing could be written");
      this.#allocatedBytes += written;
    }
  }

  /** Takes a request in: `bytes` of the free room are promised to its end. */
  promise(request: OpenRequest, bytes: number): void {
    this.#promisedBytes += bytes;
    request.place = { segment: this, slot: this.#open.add(request), promisedBytes: bytes };
  }

  /** The end of a request that was in this place is about to be written, here or elsewhere. */
  release({ slot, promisedBytes }: Place): void {
    this.#promisedBytes -= promisedBytes;
    this.#open.remove(slot);
  }

  /** Writes a line for which there is room. Throws if it could not be written whole; then nothing was. */
  append(line: Buffer): void {
    if (this.missingBytes(line.length) > 0) throw new Error("a line is longer than the room that was made for it");
    try {
      const written = this.#write(this.#descriptor, line, 0, line.length, this.#usedBytes);
      if (written !== line.length) throw new Error(`only ${written} of ${line.length} bytes could be written`);
    } catch (error) {
      this.#failed = true;
      this.#blank(line.length);
      throw error;
    }
    this.#usedBytes += line.length;
  }

  /** A refused request must not be found by the next start as one that was let in. */
  #blank(bytes: number): void {
    try {
      this.#write(this.#descriptor, zeros, 0, bytes, this.#usedBytes);
    } catch {
      // The disk takes nothing at all: then it has most likely not taken the line either.
    }
  }

  /** No more lines will be written: gives back the room that was not used. Does not throw. */
  close(): void {
    try {
      ftruncateSync(this.#descriptor, this.#usedBytes);
      this.#allocatedBytes = this.#usedBytes;
    } catch {
      // The zeros stay in the file until it is deleted; its reader passes them over.
    }
    try {
      closeSync(this.#descriptor);
    } catch {
      // What a close can report is that an earlier write did not reach the disk; that is for the settler's sync to tell.
    }
  }
}
