import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** What a file, or all files in a directory, take on disk, as files are long; links are not followed. Bytes. */
export function bytesOf(path: string): number {
  const entry = lstatSync(path);
  if (!entry.isDirectory()) return entry.isFile() ? entry.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}
