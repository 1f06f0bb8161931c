import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isoTime, type Clock } from "../kernel/clock.ts";
import type { RowValues } from "./line.ts";

/** Something in a journal file that cannot become a row: a damaged line, or a row that the database refuses. */
export interface Reject {
  /** The journal file it was in. */
  readonly file: string;
  readonly reason: string;
  readonly line?: string;
  readonly row?: RowValues;
}

/**
 * `rejected.log` in the journal's directory, one JSON object a line: what could not be settled is kept there for a
 * person to look at, since the journal file itself will be deleted. Killed at the wrong moment, a reject is listed twice.
 */
export interface Rejects {
  /** How many there are, those of earlier processes included. Deleting the file sets it to 0 at the next start. */
  readonly count: number;
  add(reject: Reject): void;
}

const maxLineCharacters = 4_096;

export function openRejects(directory: string, clock: Clock): Rejects {
  const path = join(directory, "rejected.log");
  let count = existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
  return {
    get count() {
      return count;
    },
    add({ file, reason, line, row }) {
      const entry = { at: isoTime(clock.now()), file, reason, line: line?.slice(0, maxLineCharacters), row };
      appendDurably(path, `${JSON.stringify(entry)}\n`);
      count += 1;
    },
  };
}

function appendDurably(path: string, text: string): void {
  const descriptor = openSync(path, "a", 0o600);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
