import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { ulid } from "../kernel/ids.ts";
import { encodeEnd, encodeMoved, encodeStart, maxLineBytes } from "./line.ts";
import {
  endSlackBytes,
  finalRow,
  interruptedRow,
  type EndRecord,
  type RequestRecord,
  type StartRecord,
} from "./record.ts";
import { Segment, stepBytes, type OpenRequest, type Write } from "./segment.ts";

export interface JournalOptions {
  readonly directory: string;
  /** The most that all files together may take. Beyond it no request is let in; those that are in can still end. */
  readonly maxBytes: number;
  /** After so many bytes of lines a new file is begun. */
  readonly segmentBytes: number;
  readonly clock: Clock;
  /** For tests that make writes fail. */
  readonly write?: Write;
}

/** What the settler has to know about a file: up to where it is written, and whether that is all there will be. */
export interface SegmentState {
  readonly name: string;
  readonly usedBytes: number;
  readonly complete: boolean;
  /** How many ends are in it, if it is known that every start in it has one there, or a `moved` line. */
  readonly ends: number | undefined;
}

/** How far the settler is with a file. */
export interface SegmentProgress {
  readonly name: string;
  readonly foundRows: number;
  readonly settledRows: number;
  /** Said with `removed`: how many of its requests had started and not ended. */
  readonly interruptedRows: number;
  /** All its rows are in the database, and the file is gone. */
  readonly removed: boolean;
}

interface JournalFile {
  /** Absent once no more lines will come: left over by an earlier process, or all its requests have ended. */
  segment: Segment | undefined;
  /** See `SegmentState`: set when it is completed, unless a request was open or a line had failed. */
  ends: number | undefined;
  sizeBytes: number;
  rows: number;
  settledRows: number;
}

/** With more files than this neither complete nor deleted, the oldest requests are moved to the current one. */
const maxUnfinishedFiles = 4;
/** How many requests are moved at each start, so that no single one pays for all. */
const movesPerStart = 2;

/**
 * The local file a request is written to before its reply ends. What `start` or `end` has returned from survives the
 * death of this process at any instant: it is in the kernel's page cache. Against a power cut the settler syncs.
 *
 * A request's start and end lie in the same file (a segment), so that a file is complete in itself. The states of one:
 *
 * - *current*: takes new requests. Left when it is large enough, or when a write to it failed.
 * - *waiting*: takes no new requests; some of its own have not ended. If too many files wait, the requests that hold
 *   them are moved: their start is written again into the current file, and a `moved` line into the old one.
 * - *complete*: nothing more will be written. The settler turns starts without an end into `interrupted` rows, brings
 *   all rows into the database and deletes the file. Files that an earlier process left are complete from the beginning.
 *
 * A full disk: `start` sets room aside for the end before it lets the request in (see `Segment`), and refuses with
 * `journal_unavailable` if there is none. Should an end fail all the same (a broken disk, or a file system that needs
 * new blocks to overwrite old ones), its line is *held* in memory and no request is let in until it is written; if the
 * process dies before that, the request's start makes an `interrupted` row.
 */
export class Journal {
  readonly #options: JournalOptions;
  /** Oldest first. */
  readonly #files = new Map<string, JournalFile>();
  readonly #held: Buffer[] = [];
  /** Where lines are put together, one at a time. */
  readonly #line = Buffer.alloc(maxLineBytes);
  #current: Segment | undefined;
  #unfinishedFiles = 0;
  #trouble: unknown;
  #closed = false;

  /** Makes the directory if need be, and takes over what an earlier process left there. Throws the file system's error. */
  constructor(options: JournalOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const names = readdirSync(options.directory).filter((name) => /^[0-9a-z]{26}\.log$/.test(name));
    for (const name of names.sort()) {
      const sizeBytes = statSync(join(options.directory, name)).size;
      this.#files.set(name, { segment: undefined, ends: undefined, sizeBytes, rows: 0, settledRows: 0 });
    }
  }

  /** Throws `journal_unavailable` if the request cannot be recorded; it must then not be sent upstream. */
  start(record: StartRecord): OpenRequest {
    if (this.#closed) throw new AppError("draining");
    const request: OpenRequest = { row: interruptedRow(record), place: undefined };
    try {
      this.#placeHeld();
      this.#admit(request);
    } catch (error) {
      this.#trouble = error;
      throw unavailable(error);
    }
    if (this.#unfinishedFiles > maxUnfinishedFiles) this.#moveOldest();
    return request;
  }

  /**
   * Never fails for a request that is open. Ending one twice, or with the end of another, is a mistake and throws `internal`.
   * Where an end does not fit in what was promised and nothing else is free, it is written without what was dropped.
   */
  end(request: OpenRequest, record: EndRecord): void {
    const { row, place } = request;
    if (place === undefined || this.#closed) throw misuse(`request ${row.request_id} is not open`);
    if (record.requestId !== row.request_id) throw misuse(`${record.requestId} is not the end of ${row.request_id}`);
    request.place = undefined;
    const { segment, promisedBytes } = place;
    segment.release(place);
    const line = this.#endLine(finalRow(row, record), segment, promisedBytes);
    try {
      this.#write(segment, line);
    } catch (error) {
      this.#trouble = error;
      this.#held.push(Buffer.from(line));
    }
    this.#retire(segment);
  }

  /**
   * The error `start` would throw now; `undefined` if it would let a request in, of whatever size: that a small one still
   * found room is not enough. Tries again what failed before.
   */
  check(): AppError | undefined {
    if (this.#trouble === undefined) return undefined;
    try {
      this.#placeHeld();
      this.#roomFor(2 * endSlackBytes);
      this.#trouble = undefined;
      return undefined;
    } catch (error) {
      return unavailable(error);
    }
  }

  get heldRows(): number {
    return this.#held.length;
  }

  /** Requests that have ended and are not in the database yet, as far as the files have been read. */
  get lagRows(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + file.rows - file.settledRows, this.#held.length);
  }

  get sizeBytes(): number {
    return [...this.#files.values()].reduce((sum, file) => sum + sizeOf(file), 0);
  }

  states(): SegmentState[] {
    return [...this.#files].map(([name, { segment, ends, sizeBytes }]) => ({
      name,
      usedBytes: segment?.usedBytes ?? sizeBytes,
      complete: segment === undefined,
      ends,
    }));
  }

  noteProgress(progress: SegmentProgress): void {
    const file = this.#files.get(progress.name);
    if (file === undefined) return;
    if (progress.removed) this.#files.delete(progress.name);
    file.settledRows = progress.settledRows;
    if (file.segment === undefined) file.rows = Math.max(file.rows, progress.foundRows);
  }

  /** All files are complete then: requests that have not ended are interrupted, and can no longer be ended. */
  close(): void {
    this.#closed = true;
    this.#current = undefined;
    for (const file of this.#files.values()) this.#complete(file);
  }

  /** Writes its start into the current file, which becomes its place. */
  #admit(request: OpenRequest): void {
    const line = encodeStart(request.row, this.#line);
    const promisedBytes = line.length + endSlackBytes;
    const segment = this.#roomFor(line.length + promisedBytes);
    segment.append(line);
    segment.promise(request, promisedBytes);
  }

  #roomFor(bytes: number): Segment {
    let segment = this.#current;
    if (segment === undefined || segment.failed || segment.usedBytes >= this.#options.segmentBytes) {
      segment = this.#rotate();
    }
    const growthBytes = Math.ceil(segment.missingBytes(bytes) / stepBytes) * stepBytes;
    if (growthBytes === 0) return segment;
    if (this.sizeBytes + growthBytes > this.#options.maxBytes) {
      throw new Error(`the journal has reached its limit of ${this.#options.maxBytes} bytes`);
    }
    segment.makeRoom(bytes);
    return segment;
  }

  #rotate(): Segment {
    const { directory, clock, write } = this.#options;
    const segment = Segment.create(directory, `${ulid(clock.now())}.log`, write);
    this.#files.set(segment.name, { segment, ends: undefined, sizeBytes: 0, rows: 0, settledRows: 0 });
    this.#unfinishedFiles += 1;
    const previous = this.#current;
    this.#current = segment;
    if (previous !== undefined) this.#retire(previous);
    return segment;
  }

  #write(segment: Segment, endLine: Buffer): void {
    segment.append(endLine);
    const file = this.#files.get(segment.name);
    if (file !== undefined) file.rows += 1;
  }

  #placeHeld(): void {
    for (let line = this.#held[0]; line !== undefined; line = this.#held[0]) {
      this.#write(this.#roomFor(line.length), line);
      this.#held.shift();
    }
  }

  /** What was dropped is the one text that an end may be without: it is left out where no room was promised and none is free. */
  #endLine(row: RequestRecord, segment: Segment, promisedBytes: number): Buffer {
    const line = encodeEnd(row, this.#line);
    if (line.length <= promisedBytes || segment.missingBytes(line.length) === 0) return line;
    return encodeEnd({ ...row, dropped: null }, this.#line);
  }

  /** Without this, one long stream in each file would keep all of them, and the limit would be reached by settled rows. */
  #moveOldest(): void {
    const oldest = this.#files.values().find(({ segment }) => segment !== undefined)?.segment;
    if (oldest === undefined || oldest === this.#current) return;
    for (const request of oldest.openRequests(movesPerStart)) this.#move(request);
    this.#retire(oldest);
  }

  #move(request: OpenRequest): void {
    const { row, place } = request;
    try {
      this.#admit(request);
      place?.segment.release(place);
      place?.segment.append(encodeMoved(row.request_id));
    } catch {
      // No room: the next start tries again. No `moved` line: the end will replace the `interrupted` row.
    }
  }

  #retire(segment: Segment): void {
    if (segment === this.#current || !segment.idle) return;
    const file = this.#files.get(segment.name);
    if (file !== undefined) this.#complete(file);
  }

  #complete(file: JournalFile): void {
    if (file.segment === undefined) return;
    if (file.segment.idle && !file.segment.failed) file.ends = file.rows;
    file.segment.close();
    file.sizeBytes = file.segment.allocatedBytes;
    file.segment = undefined;
    this.#unfinishedFiles -= 1;
  }
}

function sizeOf(file: JournalFile): number {
  return file.segment?.allocatedBytes ?? file.sizeBytes;
}

function unavailable(cause: unknown): AppError {
  return new AppError("journal_unavailable", {}, { cause });
}

function misuse(detail: string): AppError {
  return new AppError("internal", {}, { detail });
}
