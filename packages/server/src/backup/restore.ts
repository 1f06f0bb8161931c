import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import { basename } from "node:path";
import type { Clock } from "../kernel/clock.ts";
import { AppError, describe } from "../kernel/errors.ts";
import type { IncomingReport, OpeningOptions } from "../vault/index.ts";
import { decrypt, openedBy, type Opener } from "./age-file.ts";
import { fillDatabase } from "./fill.ts";
import type { Header } from "./format.ts";
import { readBackup } from "./reader.ts";
import { failed } from "./save.ts";
import type { Target } from "./target.ts";

export interface RestoreOptions {
  /** The backup's path. */
  readonly file: string;
  /** What opens it; asked for once it is known which of the two does. */
  readonly opener: (kind: "passphrase" | "identity") => Promise<Opener>;
  readonly target: Target;
  /** How a gateway on this machine opens its vault: it gets a slot for that. */
  readonly opening: OpeningOptions;
  /** Whether this is a rehearsal: everything is done but for what would remain. */
  readonly dryRun: boolean;
  readonly clock: Clock;
}

export interface RestoreReport {
  readonly header: Header;
  /** Rows by table, as the backup has them. */
  readonly rows: Readonly<Record<string, number>>;
  readonly vault: IncomingReport;
  /** The kind of the slot that was made for this machine; none if one that came along serves. */
  readonly newSlot: string | undefined;
  /** Where it was restored to. */
  readonly target: string;
}

/**
 * Restores a backup into an empty database: all of it, or nothing. What it says of its own rows and digest is checked,
 * every sealed record is opened once, and the schema is brought up to date.
 *
 * Throws `backup_cannot_open`, `backup_unreadable`, `database_newer`, `restore_target_used`, `file_failed`.
 */
export async function restoreBackup(options: RestoreOptions): Promise<RestoreReport> {
  const { file, opener, target, dryRun, clock } = options;
  const name = basename(file);
  const opened = await opener(openedBy(await readBeginning(file), name));
  const backup = await openFile(file);
  try {
    const db = await target.open();
    const sealed = Readable.toWeb(backup.createReadStream()) as ReadableStream<Uint8Array>;
    const parts = readBackup(decrypt(sealed, opened, name), name);
    const opening = dryRun ? undefined : options.opening;
    const filled = await fillDatabase(db, parts, { file: name, opening, nowMs: clock.now() });
    await target.keep();
    return { ...filled, target: target.describe };
  } catch (error) {
    await target.discard();
    throw explained(error, target);
  } finally {
    await backup.close();
  }
}

/** What a database that is being made refuses is mostly room; and what its files do. */
function explained(error: unknown, target: Target): unknown {
  if (error instanceof Error && "syscall" in error) return failed(target.describe, "written", error);
  if (!(error instanceof AppError) || error.code !== "database_unavailable") return error;
  const values = { path: target.describe, verb: "filled", problem: describe(error.cause ?? error) };
  return new AppError("file_failed", values, { cause: error });
}

const beginningBytes = 256;

async function readBeginning(path: string): Promise<Buffer> {
  const file = await openFile(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(beginningBytes), 0, beginningBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw failed(path, "read", error);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): ReturnType<typeof open> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw failed(path, "read", error);
  }
}
