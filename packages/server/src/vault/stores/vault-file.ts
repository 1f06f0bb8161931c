import { stat } from "node:fs/promises";
import { AppError } from "../../kernel/errors.ts";
import { createPrivateFile, readPrivateFile, writePrivateFile } from "../../home/index.ts";
import { formatFile, parseFile, type FileContent } from "./file-format.ts";
import { Malformed } from "./key-json.ts";

/*
 * A vault's file, as this process knows it. It is written whole, and only over what this process has read or written
 * itself: never over a file that could not be read, nor over one that somebody else has put there meanwhile.
 */

/** How the file is touched; others in tests. */
export interface FileAccess {
  readonly read: (path: string, limitBytes: number) => Promise<Buffer | undefined>;
  readonly create: (path: string, bytes: Uint8Array) => Promise<void>;
  readonly replace: (path: string, bytes: Uint8Array) => Promise<void>;
}

const plainAccess: FileAccess = { read: readPrivateFile, create: createPrivateFile, replace: writePrivateFile };

/** What is larger is refused, when it is to be written as well as when it is read. A text in memory has such a limit, too. */
const limitBytes = 256 * 1024 * 1024;

export interface VaultFile {
  /** What the file says, as far as this process knows. */
  content(): Promise<FileContent>;
  /** What the file says now. */
  reread(): Promise<FileContent>;
  /** Puts this in the place of what `content` gives until it is done. If it fails, the file is as it was, or as it was to be. */
  replace(content: FileContent): Promise<void>;
}

export function openVaultFile(path: string, id: string, access: FileAccess = plainAccess): VaultFile {
  let known: { readonly content: FileContent; readonly seen: string | undefined } | undefined;
  const alone = oneAtATime();

  async function load(): Promise<FileContent> {
    known = undefined;
    const seen = await appearance(path);
    const content = await readVaultFile(path, access);
    if (content === undefined) throw keyMissing(`its file ${path} is missing`);
    if (content.id !== id) throw keyMissing(`${path} holds another one`);
    known = { content, seen };
    return content;
  }

  return {
    content: async () => known?.content ?? alone(async () => known?.content ?? load()),
    reread: () => alone(load),
    replace: (content) =>
      alone(async () => {
        if (known === undefined || (await appearance(path)) !== known.seen) {
          const fix = "restart the gateway, so that it reads it anew";
          throw new AppError("file_unsafe", { path, problem: "was changed by something else meanwhile", fix });
        }
        const bytes = toBytes(content, path);
        try {
          await access.replace(path, bytes);
          known = { content, seen: await appearance(path) };
        } catch (error) {
          // The file has the old content or the new: it is read again before anyone relies on either.
          known = undefined;
          throw error;
        }
      }),
  };
}

/** Whatever touches the file waits for what does so already: a reading that ends after a writing would bring back the old. */
function oneAtATime(): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work, work);
    last = done;
    return done;
  };
}

/** Makes the file of a new vault, where there is none. Throws `file_unsafe` if there is one. */
export async function createVaultFile(
  path: string,
  content: FileContent,
  access: FileAccess = plainAccess,
): Promise<void> {
  await access.create(path, toBytes(content, path));
}

/** `undefined` if there is no file. Throws `file_unsafe` if there is one that cannot be relied on. */
export async function readVaultFile(path: string, access: FileAccess = plainAccess): Promise<FileContent | undefined> {
  const bytes = await access.read(path, limitBytes);
  if (bytes === undefined) return undefined;
  try {
    return parseFile(bytes.toString("utf8"));
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const problem = `is not the file of a vault as it was written: ${error.message}`;
    const fix = "put it back from a backup; it is left as it is";
    throw new AppError("file_unsafe", { path, problem, fix }, { cause: error });
  }
}

function toBytes(content: FileContent, path: string): Uint8Array {
  const bytes = Buffer.from(formatFile(content), "utf8");
  if (bytes.length <= limitBytes) return bytes;
  const problem = `it would be larger than ${limitBytes} bytes; move the vault into the database`;
  throw new AppError("file_failed", { path, verb: "written", problem });
}

/** Tells one version of a file from another; `undefined` if there is none. */
async function appearance(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true });
    return `${ino} ${size} ${mtimeNs}`;
  } catch {
    return undefined;
  }
}

function keyMissing(what: string): AppError {
  const advice = "put the right file back from a backup; no new one is made for existing data";
  return new AppError("vault_key_missing", { what, advice });
}
