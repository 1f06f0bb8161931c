import { createHash } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import { createLineReader } from "../kernel/lines.ts";
import { Secret } from "../kernel/secret.ts";
import type { Value } from "../db/index.ts";
import { formatName, formatVersion, maxLineBytes, parseRow, type Header } from "./format.ts";

/*
 * Reads the lines of an opened backup. The order is fixed, and anything out of place is refused:
 *
 *   start ── header ──> opened ── root key ──> tables ── table ──> tables with rows ── … ── end ──> done
 *
 * A line that is an object with members not known here is passed over before the first table, so that a later version may
 * add some. Whoever reads must not keep what it read unless this has come to its end without an error.
 */

export type BackupPart =
  | { readonly kind: "header"; readonly header: Header }
  | { readonly kind: "root_key"; readonly base64: Secret }
  | { readonly kind: "table"; readonly name: string; readonly columns: readonly string[] }
  | { readonly kind: "row"; readonly values: readonly Value[] };

/** `file` is the backup's name, for messages. Throws `backup_unreadable`. */
export async function* readBackup(plain: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<BackupPart> {
  const reader = new Reader(file);
  const parts: BackupPart[] = [];
  const lines = createLineReader(
    { limitBytes: maxLineBytes, keepBytes: 0, carriageReturns: false },
    (bytes, start, end, cut) => {
      if (cut) throw unreadable(file, "it holds a line that is too long");
      const part = reader.line(bytes.subarray(start, end));
      if (part !== undefined) parts.push(part);
    },
  );
  for await (const piece of plain) {
    lines.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    yield* parts.splice(0);
  }
  lines.end();
  yield* parts.splice(0);
  reader.end();
}

class Reader {
  readonly #file: string;
  readonly #digest = createHash("sha256");
  readonly #rows: Record<string, number> = {};
  #state: "start" | "opened" | "tables" | "done" = "start";
  #table: { readonly name: string; readonly columns: readonly string[] } | undefined;
  #count = 0;

  constructor(file: string) {
    this.#file = file;
  }

  line(bytes: Buffer): BackupPart | undefined {
    if (this.#state === "done") throw unreadable(this.#file, "something follows its last line");
    const line = this.#parse(bytes);
    if ("end" in line) {
      this.#finish(line["end"]);
      return undefined;
    }
    this.#digest.update(bytes);
    this.#digest.update("\n");
    if (isList(line)) return this.#row(line);
    if (this.#state === "start") return this.#header(line);
    if ("vault_root_key" in line) return this.#rootKey(line["vault_root_key"]);
    if ("table" in line) return this.#begin(line["table"], line["columns"]);
    if (this.#table !== undefined) throw this.#malformed();
    return undefined;
  }

  end(): void {
    if (this.#state !== "done") throw unreadable(this.#file, "it is cut off: its last line is missing");
  }

  #parse(bytes: Buffer): Readonly<Record<string, unknown>> | readonly unknown[] {
    try {
      const line: unknown = JSON.parse(bytes.toString("utf8"));
      if (typeof line === "object" && line !== null) return line as Readonly<Record<string, unknown>>;
    } catch {
      // told below: the parser's words would repeat what the line holds
    }
    throw this.#malformed();
  }

  #header(line: Readonly<Record<string, unknown>>): BackupPart {
    const { format, version, made_at, product, schema, engine } = line;
    if (format !== formatName) throw unreadable(this.#file, "it does not hold a backup of Portcullis");
    if (version !== formatVersion) {
      const problem = `it has version ${String(version)} of the format, and this Portcullis reads ${formatVersion}`;
      throw unreadable(this.#file, problem, "restore it with the Portcullis that wrote it, or a newer one");
    }
    if (typeof made_at !== "string" || typeof product !== "string" || typeof engine !== "string")
      throw this.#malformed();
    if (typeof schema !== "number" || !Number.isSafeInteger(schema) || schema < 1) throw this.#malformed();
    this.#state = "opened";
    return { kind: "header", header: { format: formatName, version: formatVersion, made_at, product, schema, engine } };
  }

  #rootKey(value: unknown): BackupPart {
    if (this.#state !== "opened" || typeof value !== "string") throw this.#malformed();
    this.#state = "tables";
    return { kind: "root_key", base64: new Secret(value) };
  }

  #begin(name: unknown, columns: unknown): BackupPart {
    if (this.#state !== "tables" || typeof name !== "string" || Object.hasOwn(this.#rows, name))
      throw this.#malformed();
    if (!Array.isArray(columns) || !columns.every((each) => typeof each === "string")) throw this.#malformed();
    this.#closeTable();
    this.#table = { name, columns };
    return { kind: "table", name, columns };
  }

  #row(line: readonly unknown[]): BackupPart {
    const values = this.#table && parseRow(line, this.#table.columns.length);
    if (values === undefined) throw this.#malformed();
    this.#count += 1;
    return { kind: "row", values };
  }

  #closeTable(): void {
    if (this.#table !== undefined) this.#rows[this.#table.name] = this.#count;
    this.#table = undefined;
    this.#count = 0;
  }

  #finish(end: unknown): void {
    this.#closeTable();
    const { rows, sha256 } = (end ?? {}) as { readonly rows?: unknown; readonly sha256?: unknown };
    if (this.#state !== "tables" || typeof rows !== "object" || rows === null) throw this.#malformed();
    const wanted = new Map<string, unknown>(Object.entries(rows));
    const found = Object.entries(this.#rows);
    if (wanted.size !== found.length || found.some(([name, count]) => wanted.get(name) !== count)) {
      throw unreadable(this.#file, "it does not hold as many rows as its last line says");
    }
    if (sha256 !== this.#digest.digest("hex")) {
      throw unreadable(this.#file, "its content is not what its last line gives the digest of");
    }
    this.#state = "done";
  }

  #malformed(): AppError {
    return unreadable(this.#file, "it holds a line that is malformed or out of place");
  }
}

function isList(line: object): line is readonly unknown[] {
  return Array.isArray(line);
}

export function unreadable(
  file: string,
  problem: string,
  advice = "take another copy of it, or another backup",
  cause?: unknown,
): AppError {
  return new AppError("backup_unreadable", { file, problem, advice }, cause === undefined ? {} : { cause });
}
