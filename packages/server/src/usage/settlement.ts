import { closeSync, existsSync, openSync, readSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { SegmentProgress, SegmentState } from "./journal.ts";
import type { Ledger } from "./ledger.ts";
import { decodeEnds, decodeRow, followStarts, type RowValues } from "./line.ts";
import type { Reject, Rejects } from "./rejects.ts";

/** About 350 requests; a line is never longer. */
const chunkBytes = 262_144;

/** How far the ends in a file have been read. */
interface Position {
  offset: number;
  /** Whether lines were found that could not be read. */
  damaged: boolean;
  /** The starts without an end, as JSON: looked for once the file is complete. */
  open?: readonly string[];
  foundRows: number;
  settledRows: number;
}

export interface SettlementParts {
  readonly directory: string;
  readonly ledger: Ledger;
  readonly rejects: Rejects;
}

/**
 * Reads journal files and settles them. Keeps its position in memory: a file read again from its start does no harm. Nothing is
 * remembered of a request that is open: a complete file is read once more for starts that have no end, unless
 * all are known to have one and as many ends were found. A start that was damaged does not show then, and is not missed.
 */
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
    const position = this.#positions.get(name) ?? { offset: 0, damaged: false, foundRows: 0, settledRows: 0 };
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
    const interruptedRows = await this.#settleOpen(state, position);
    rmSync(path);
    this.#positions.delete(name);
    tell(interruptedRows, true);
  }

  async #settleNext(state: SegmentState, position: Position): Promise<void> {
    const { name, usedBytes: endOffset } = state;
    const wantedBytes = Math.min(chunkBytes, endOffset - position.offset);
    const chunk = readChunk(join(this.#parts.directory, name), position.offset, wantedBytes);
    const { lines, usedBytes } = decodeEnds(chunk);
    const rows = lines.flatMap((line) => (line.kind === "end" ? [line.values] : []));
    await this.#settle(name, position, rows);
    for (const line of lines) if (line.kind === "damaged") this.#reject(name, "damaged", { line: line.text });
    position.damaged ||= rows.length < lines.length;
    if (usedBytes > 0) {
      position.offset += usedBytes;
      return;
    }
    if (chunk.length === 0) {
      this.#reject(name, "the file is shorter than it was");
      position.offset = endOffset;
      return;
    }
    if (chunk[0] !== 0 && chunk.length === chunkBytes) {
      this.#reject(name, "damaged", { line: chunk.toString("latin1") });
      position.damaged = true;
    }
    position.offset += withoutLine(chunk);
  }

  /** Starts without an end: settled as they were started. Returns how many there were. */
  async #settleOpen({ name, usedBytes, ends }: SegmentState, position: Position): Promise<number> {
    if (position.foundRows === ends) return 0;
    position.open ??= this.#openStarts(name, usedBytes, position.damaged);
    const starts = position.open.map((json) => ({ json, row: decodeRow(json) }));
    await this.#settle(
      name,
      position,
      starts.flatMap(({ row }) => (row === undefined ? [] : [row])),
    );
    for (const { json, row } of starts) if (row === undefined) this.#reject(name, "unreadable", { line: json });
    position.open = []; // settled, should the file not let itself be deleted now
    return starts.length;
  }

  #openStarts(name: string, endOffset: number, damaged: boolean): readonly string[] {
    const open = new Map<string, string>();
    let offset = 0;
    while (offset < endOffset) {
      const chunk = readChunk(join(this.#parts.directory, name), offset, Math.min(chunkBytes, endOffset - offset));
      if (chunk.length === 0) break; // shorter than it was, which has been told
      const usedBytes = followStarts(chunk, open, !damaged, (line) => this.#reject(name, "damaged", { line }));
      offset += usedBytes > 0 ? usedBytes : withoutLine(chunk);
    }
    return [...open.values()];
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

/** How much to pass over where there is no line feed: zeros, or else the line that was being written when the process died, or damage. */
function withoutLine(chunk: Buffer): number {
  const zeros = chunk.findIndex((byte) => byte !== 0);
  return zeros > 0 ? zeros : chunk.length;
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
