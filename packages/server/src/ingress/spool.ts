import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { open, unlink, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../kernel/errors.ts";

/*
 * Where uploads wait until they are whole: whom they are for stands in a field that may come last. Each is held in memory
 * up to a bound, then in a file that nobody else can open (0600) and that has no name from the start, so that nothing of
 * it is left when the process ends, however it ends.
 */

export interface SpoolOptions {
  /** Made if it is not there, and emptied: a crash may have fallen between a file's making and the loss of its name. */
  readonly directory: string;
  /** What one upload takes in memory at most. */
  readonly memoryBytes?: number;
  /** How many uploads there may be at a time, and how large they may be together, in memory and in files. */
  readonly maxSpools?: number;
  readonly maxBytes?: number;
}

export interface Spools {
  /** `expectedBytes` are set aside for it at once. Throws `uploads_busy`. */
  open(expectedBytes: number): Spool;
  /** How many are open, and what they take together. */
  usage(): { readonly spools: number; readonly bytes: number };
}

/** The bytes of one upload. They are appended, then read as often as is needed, and are gone with `release`. */
export interface Spool {
  readonly sizeBytes: number;
  /**
   * The promise, where there is one, is to be awaited before more is appended. Both throw `uploads_busy` and
   * `upload_not_stored`. The chunk must not change afterwards.
   */
  append(chunk: Buffer): Promise<void> | undefined;
  /** The bytes from `start` (inclusive) to `end` (exclusive), in pieces. */
  read(start: number, end: number): AsyncIterable<Buffer>;
  /** May be called at any time, and again. Resolves when nothing of the upload is left. */
  release(): Promise<void>;
}

const kibibyte = 1024;
const pieceBytes = 64 * kibibyte;

export function createSpools(options: SpoolOptions): Spools {
  const { directory, memoryBytes = 256 * kibibyte, maxSpools = 256, maxBytes = 4 * kibibyte ** 3 } = options;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { mode: 0o700 });
  const total = { spools: 0, bytes: 0 };

  function take(bytes: number): void {
    if (total.bytes + bytes > maxBytes) throw new AppError("uploads_busy");
    total.bytes += bytes;
  }

  return {
    open(expectedBytes) {
      if (total.spools >= maxSpools) throw new AppError("uploads_busy");
      take(expectedBytes);
      total.spools += 1;
      const free = (bytes: number): void => {
        total.bytes -= bytes;
        total.spools -= 1;
      };
      return new FileSpool(directory, memoryBytes, expectedBytes, { take, free });
    },
    usage: () => ({ ...total }),
  };
}

/** The room that all uploads share. */
interface Room {
  take(bytes: number): void;
  free(bytes: number): void;
}

class FileSpool implements Spool {
  readonly #directory: string;
  readonly #memoryBytes: number;
  readonly #room: Room;
  #reservedBytes: number;
  #sizeBytes = 0;
  #held: Buffer[] = [];
  #file: FileHandle | undefined;
  /** The last write; it never rejects. */
  #written: Promise<void> = Promise.resolve();
  #released = false;

  constructor(directory: string, memoryBytes: number, expectedBytes: number, room: Room) {
    this.#directory = directory;
    this.#memoryBytes = memoryBytes;
    this.#reservedBytes = expectedBytes;
    this.#room = room;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(chunk: Buffer): Promise<void> | undefined {
    const missing = this.#sizeBytes + chunk.length - this.#reservedBytes;
    if (missing > 0) {
      this.#room.take(missing);
      this.#reservedBytes += missing;
    }
    this.#sizeBytes += chunk.length;
    this.#held.push(chunk);
    if (this.#file === undefined && this.#sizeBytes <= this.#memoryBytes) return undefined;
    const writing = this.#writeHeld();
    this.#written = writing.catch(() => undefined);
    return writing;
  }

  async #writeHeld(): Promise<void> {
    try {
      this.#file ??= await openNameless(this.#directory);
      const chunks = this.#held;
      this.#held = [];
      for (const chunk of chunks) await this.#file.appendFile(chunk);
    } catch (cause) {
      throw new AppError("upload_not_stored", {}, { cause });
    }
  }

  async *read(start: number, end: number): AsyncIterable<Buffer> {
    if (this.#file === undefined) {
      const whole = Buffer.concat(this.#held, this.#sizeBytes);
      this.#held = [whole];
      if (start < end) yield whole.subarray(start, end);
      return;
    }
    for (let at = start; at < end; ) {
      const { bytesRead, buffer } = await this.#file.read({
        buffer: Buffer.allocUnsafeSlow(Math.min(pieceBytes, end - at)),
        position: at,
      });
      if (bytesRead === 0) throw new AppError("internal", {}, { detail: `an upload ends at ${at}, not at ${end}` });
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    await this.#written; // a file that is being opened must be there to be closed
    this.#held = [];
    await this.#file?.close().catch(() => undefined); // it has no name any more, so there is nothing left to mend
    this.#room.free(this.#reservedBytes);
  }
}

async function openNameless(directory: string): Promise<FileHandle> {
  const path = join(directory, randomUUID());
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
