import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Value } from "../db/index.ts";
import { rowText, type End, type Header } from "./format.ts";

/** A table on its way into a backup. */
export interface TableToWrite {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: AsyncIterable<readonly (readonly Value[])[]>;
}

/**
 * Longer than a chunk of the encryption (64 KiB) by all that stands before it: so the root key does not stay behind in
 * that chunk's buffer, which is filled again from its beginning.
 */
const paddingSize = 68 * 1024;

/**
 * The lines of a backup, encoded, in pieces. `rootKey` is its text in base64; it is wiped with the line that holds it once
 * the next piece is asked for, and must not be needed elsewhere.
 */
export async function* writeLines(
  header: Header,
  rootKey: Buffer,
  tables: AsyncIterable<TableToWrite>,
): AsyncGenerator<Uint8Array> {
  const digest = createHash("sha256");
  const counted = (piece: Buffer): Buffer => {
    digest.update(piece);
    return piece;
  };
  const rows: Record<string, number> = {};
  yield counted(encode(header));
  yield* wipedAfterwards(counted(rootKeyLine(rootKey)), rootKey);
  yield counted(encode({ padding: " ".repeat(paddingSize) }));
  for await (const table of tables) {
    let count = 0;
    yield counted(encode({ table: table.name, columns: table.columns }));
    for await (const page of table.rows) {
      count += page.length;
      yield counted(Buffer.from(page.map((values) => `${rowText(values)}\n`).join("")));
      await nextTurn(); // a gateway that makes a backup serves requests all the while
    }
    rows[table.name] = count;
  }
  yield encode({ end: { rows, sha256: digest.digest("hex") } satisfies End });
}

function* wipedAfterwards(line: Buffer, rootKey: Buffer): Generator<Buffer> {
  try {
    yield line;
  } finally {
    line.fill(0);
    rootKey.fill(0);
  }
}

function rootKeyLine(rootKey: Buffer): Buffer {
  const [before, after] = ['{"vault_root_key":"', '"}\n'];
  const line = Buffer.from(new ArrayBuffer(before.length + rootKey.length + after.length));
  line.write(before, "latin1");
  rootKey.copy(line, before.length);
  line.write(after, before.length + rootKey.length, "latin1");
  return line;
}

function encode(line: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(line)}\n`);
}
