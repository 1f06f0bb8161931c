import { closeSync, existsSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SegmentProgress, SegmentState } from "./journal.ts";
import type { Ledger } from "./ledger.ts";
import { decodeLines, decodeRow, type Line, type RowValues } from "./line.ts";
import type { Reject, Rejects } from "./rejects.ts";

/** About 350 requests; a line is never longer. */
const chunkBytes = 262_144;

/** How far a file has been read, and which of the starts in it still wait for their end. */
interface Position {
  offset: number;
  readonly open: Map<string, string>;
  foundRows: number;
  settledRows: number;
}

export interface SettlementParts {
  readonly directory: string;
  readonly ledger: Ledger;
  readonly rejects: Rejects;
}

/** Reads journal files and settles them. Keeps its position in memory: a file read again from its start does no harm. */
export class Settlement {
  readonly #parts: SettlementParts;
  readonly #positions = new Map<string, Position>();

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /**
   * Brings a file's rows into the database, up to where it is written. A complete file's starts without an end become
   * `interrupted` rows, and then the file is deleted. Rejects if the database is away or the file cannot be read: what
   * was not settled is read again the next time. `report` hears of every step.
   */
  async advance(state: SegmentState, report: (progress: SegmentProgress) => void): Promise<void> {
    const { name, complete } = state;
    const path = join(this.#parts.directory, name);
    const position = this.#positions.get(name) ?? { offset: 0, open: new Map(), foundRows: 0, settledRows: 0 };
    const tell = (interruptedRows: number, removed: boolean): void => {
      const { foundRows, settledRows } = position;
      report({ name, foundRows, settledRows, interruptedRows, removed });
    };
    // Deleted before this was called: the word of it has not reached the caller, or was lost with a settler that died.
    if (complete && !existsSync(path)) return tell(0, true);
    this.#positions.set(name, position);
    while (position.offset < state.usedBytes) {
      await this.#settleNext(state, position);
      tell(0, false);
    }
    if (!complete) return;
    const interruptedRows = await this.#settleOpen(name, position);
    rmSync(path);
    this.#positions.delete(name);
    tell(interruptedRows, true);
  }

  async #settleNext(state: SegmentState, position: Position): Promise<void> {
    const { name, usedBytes: endOffset } = state;
    const wantedBytes = Math.min(chunkBytes, endOffset - position.offset);
    const chunk = readChunk(join(this.#parts.directory, name), position.offset, wantedBytes);
    const { lines, usedBytes } = decodeLines(chunk);
    await this.#settleLines(name, position, lines);
    if (usedBytes > 0) {
      position.offset += usedBytes;
      return;
    }
    if (chunk.length === 0) {
      this.#reject(name, "the file is shorter than it was");
      position.offset = endOffset;
      return;
    }
    // No line feed: zeros, or the line that was being written when the process died, or a whole chunk of damage.
    const zeros = chunk.findIndex((byte) => byte !== 0);
    if (zeros === 0 && chunk.length === chunkBytes) this.#reject(name, "damaged", { line: chunk.toString("latin1") });
    position.offset += zeros > 0 ? zeros : chunk.length;
  }

  async #settleLines(name: string, position: Position, lines: readonly Line[]): Promise<void> {
    const rows: RowValues[] = [];
    /** Of these lines alone: nearly all of them end here too, and need not pass through the map that stays. */
    const open = new Map<string, string>();
    for (const line of lines) {
      if (line.kind === "start") open.set(line.requestId, line.json);
      else if (line.kind !== "damaged" && !open.delete(line.requestId)) position.open.delete(line.requestId);
      if (line.kind === "end") rows.push(line.values);
    }
    for (const [requestId, json] of open) position.open.set(requestId, json);
    await this.#settle(name, position, rows);
    for (const line of lines) if (line.kind === "damaged") this.#reject(name, "damaged", { line: line.text });
  }

  /** Starts without an end: settled as they were started. Returns how many there were. */
  async #settleOpen(name: string, position: Position): Promise<number> {
    const starts = [...position.open.values()].map((json) => ({ json, row: decodeRow(json) }));
    const rows = starts.flatMap(({ row }) => (row === undefined ? [] : [row]));
    await this.#settle(name, position, rows);
    for (const { json, row } of starts) if (row === undefined) this.#reject(name, "unreadable", { line: json });
    position.open.clear();
    return starts.length;
  }

  async #settle(name: string, position: Position, rows: readonly RowValues[]): Promise<void> {
    position.foundRows = position.settledRows + rows.length;
    for (const { values, reason } of await this.#parts.ledger.settle(rows)) this.#reject(name, reason, { row: values });
    position.settledRows = position.foundRows;
  }

  #reject(file: string, reason: string, what: Pick<Reject, "line" | "row"> = {}): void {
    this.#parts.rejects.add({ file, reason, ...what });
  }
}

function readChunk(path: string, offset: number, wantedBytes: number): Buffer {
  const descriptor = openSync(path, "r");
  try {
    const bytes = Buffer.allocUnsafe(wantedBytes);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, wantedBytes, offset));
  } finally {
    closeSync(descriptor);
  }
}
