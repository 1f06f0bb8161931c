import { isUtf8 } from "node:buffer";
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { AppError } from "../../kernel/errors.ts";

/*
 * Files of other programs, which are read and never written. Nothing of their content goes into a message: it may be a
 * key. What could not be such a file (a link, a pipe, a picture, gigabytes of text) is refused before it is looked into.
 */

export type SourceFile =
  | { readonly form: "text"; readonly text: string }
  /** SQLite reads the file by itself, the parts that it needs. */
  | { readonly form: "sqlite" };

const mostTextBytes = 4 * 1024 * 1024;
const sqliteMark = "SQLite format 3\0";

/** Throws `import_unreadable`. */
export async function readSourceFile(path: string): Promise<SourceFile> {
  const file = await openFile(path);
  try {
    const stat = await file.stat();
    if (stat.isDirectory()) throw unreadable(path, "it is a directory", "name the file in it");
    if (!stat.isFile()) throw unreadable(path, "it is not a plain file", "copy it into one first");
    if (await startsWith(file, sqliteMark)) return { form: "sqlite" };
    if (stat.size > mostTextBytes) {
      throw unreadable(path, `it is larger than ${mostTextBytes} bytes`, "name the file that holds the keys");
    }
    return { form: "text", text: decode(path, await readAll(file, path)) };
  } finally {
    await file.close();
  }
}

export function unreadable(source: string, problem: string, advice: string): AppError {
  return new AppError("import_unreadable", { source, problem, advice });
}

const refusals: Readonly<Record<string, readonly [problem: string, advice: string]>> = {
  ENOENT: ["there is no such file", "check the path"],
  ENOTDIR: ["a part of its path is not a directory", "check the path"],
  ELOOP: ["it is a symbolic link", "name the file itself"],
  EACCES: ["permission denied", "run this as a user who may read it"],
  EPERM: ["permission denied", "run this as a user who may read it"],
};

async function openFile(path: string): Promise<FileHandle> {
  try {
    // O_NONBLOCK: opening a pipe would wait for a writer for ever.
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const [problem, advice] = refusals[code] ?? [`it cannot be opened (${code})`, "check the path"];
    throw unreadable(path, problem, advice);
  }
}

async function startsWith(file: FileHandle, mark: string): Promise<boolean> {
  const bytes = Buffer.alloc(mark.length);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
  return bytes.toString("latin1", 0, bytesRead) === mark;
}

/** No more than the limit, though the file may grow meanwhile. */
async function readAll(file: FileHandle, path: string): Promise<Buffer> {
  const bytes = Buffer.alloc(mostTextBytes + 1);
  let size = 0;
  while (size < bytes.length) {
    const { bytesRead } = await file.read(bytes, size, bytes.length - size, size);
    if (bytesRead === 0) return bytes.subarray(0, size);
    size += bytesRead;
  }
  throw unreadable(path, `it is larger than ${mostTextBytes} bytes`, "name the file that holds the keys");
}

function decode(path: string, bytes: Buffer): string {
  if (bytes.length === 0) throw unreadable(path, "it is empty", "name the file that holds the keys");
  if (bytes.includes(0) || !isUtf8(bytes)) {
    throw unreadable(path, "it is not text in UTF-8", "save it in that encoding, or name another file");
  }
  return new TextDecoder().decode(bytes); // takes a byte order mark off
}
