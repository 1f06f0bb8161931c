import { AppError } from "../../kernel/errors.ts";
import { createPrivateFile, readPrivateFile } from "../../home/index.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { fixedKeySource, keyedUnlocker, type Unlocker } from "./unlocker.ts";

/** Opens with the 32 bytes of a private file; a file that is not there opens nothing. Throws `file_unsafe` if it is not to be trusted. */
export function keyFileUnlocker(path: string): Unlocker {
  return keyedUnlocker(fixedKeySource("key-file", { newParams: () => "{}", key: () => readKeyFile(path) }));
}

/** The key in the file, in memory that the caller wipes; `undefined` if there is no file. */
export async function readKeyFile(path: string): Promise<Buffer | undefined> {
  const bytes = await readPrivateFile(path);
  if (bytes === undefined || bytes.length === keySizeBytes) return bytes;
  wipe(bytes);
  const problem = `holds ${bytes.length} bytes instead of a key's ${keySizeBytes}`;
  throw new AppError("file_unsafe", { path, problem, fix: "put the right file in its place" });
}

/** Creates the file with a new key unless there is one. A file that is there is never replaced. */
export async function ensureKeyFile(path: string): Promise<void> {
  const existing = await readKeyFile(path);
  if (existing !== undefined) return wipe(existing);
  const key = systemRandom(keySizeBytes);
  try {
    await createPrivateFile(path, key);
  } finally {
    wipe(key);
  }
}
