import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { link, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";

/*
 * The files around a backup on the side of whoever asks for one. The backup gets its name once it is whole and on the
 * disk; before that, whatever happens, the name is free or belongs to the backup before.
 */

/** Whether a file may be replaced that bears the name already. */
export interface SaveOptions {
  readonly replace: boolean;
}

/**
 * Writes what comes to a file of mode 0600, and says how large it is. Throws `wrong_usage` if there is such a file,
 * `backup_incomplete` if the rest does not come, `file_failed`.
 */
export async function saveBackup(
  content: AsyncIterable<Uint8Array>,
  path: string,
  { replace }: SaveOptions,
): Promise<{ readonly file: string; readonly bytes: number }> {
  const file = resolve(path);
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const bytes = await writeAll(temporary, content, file);
    if (replace) await rename(temporary, file);
    else await link(temporary, file); // unlike rename, this never replaces
    if (process.platform !== "win32") await flushDirectory(dirname(file));
    await removeAbandoned(file).catch(() => undefined); // the backup is made
    return { file, bytes };
  } catch (error) {
    throw explain(error, file);
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined); // what went wrong before is the one to report
  }
}

/** So long after the last writing to it, a temporary file is nobody's any more. */
const abandonedMs = 3_600_000;

/** What backups to the same name, one of which has just been written, have left when they were killed. */
async function removeAbandoned(file: string): Promise<void> {
  const { mtimeMs: nowMs } = await stat(file);
  for (const name of await readdir(dirname(file))) {
    if (!name.startsWith(`.${basename(file)}.`) || !/\.[0-9a-f-]{36}\.tmp$/.test(name)) continue;
    const path = join(dirname(file), name);
    if (nowMs - (await stat(path)).mtimeMs > abandonedMs) await rm(path, { force: true });
  }
}

/** Throws `wrong_usage` if `saveBackup` would. To be asked before anything is made. */
export function demandNewName(path: string, { replace }: SaveOptions): void {
  if (existsSync(path) && !replace) throw taken(path);
}

/** What every file of the age format begins with. */
const firstLine = "age-encryption.org/v1\n";

async function writeAll(temporary: string, content: AsyncIterable<Uint8Array>, file: string): Promise<number> {
  const output = await open(temporary, "wx", 0o600);
  try {
    await output.chmod(0o600); // a umask may have taken more than we asked for
    let bytes = 0;
    let beginning = "";
    for await (const piece of told(content, file)) {
      if (beginning.length < firstLine.length) beginning += Buffer.from(piece).toString("latin1", 0, firstLine.length);
      await output.writeFile(piece);
      bytes += piece.length;
    }
    // Nothing but a backup takes the place of the one before, whatever it was that answered.
    if (!beginning.startsWith(firstLine)) throw new AppError("backup_incomplete", { file });
    await output.sync();
    return bytes;
  } finally {
    await output.close();
  }
}

/** Tells a failure of where it comes from apart from one of the disk that it goes to. */
async function* told(content: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* content;
  } catch (error) {
    throw new AppError("backup_incomplete", { file }, { cause: error });
  }
}

async function flushDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function explain(error: unknown, file: string): unknown {
  if (error instanceof AppError) return error;
  const code = codeOf(error);
  return code === "EEXIST" ? taken(file) : failed(file, "written", error);
}

const maxKeyFileBytes = 64 * 1024;

/** The lines of a file of recipients or identities, as age's own tools read them: no comments, no blank lines. */
export async function readKeyLines(path: string): Promise<readonly Secret[]> {
  const text = await readSmallFile(path);
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== "" && !line.startsWith("#"));
  if (keys.length > 0) return keys.map((line) => new Secret(line));
  const advice = "one line for each, as `age-keygen` writes it";
  throw new AppError("wrong_usage", { problem: `${path} holds no recipient or identity`, advice });
}

async function readSmallFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= maxKeyFileBytes) return await readFile(path, "utf8");
  } catch (error) {
    throw failed(path, "read", error);
  }
  const problem = `${path} is too large for a file of recipients or identities`;
  throw new AppError("wrong_usage", { problem, advice: "name the right file" });
}

function taken(file: string): AppError {
  return new AppError("wrong_usage", {
    problem: `${file} exists already`,
    advice: "name a new file, or say --replace",
  });
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  ENOENT: "there is no such file or directory",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is exceeded",
  EROFS: "the file system is read-only",
};

export function failed(path: string, verb: string, cause: unknown): AppError {
  const code = codeOf(cause);
  return new AppError("file_failed", { path, verb, problem: reasons[code] ?? code }, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
