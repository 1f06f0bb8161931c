import { open, rm, type FileHandle } from "node:fs/promises";
import { unreadable } from "./source-file.ts";

/** Where new keys go: one JSON object a line, each written through before the next keys are asked for. */
export interface IssuedKeysFile {
  add(key: object): Promise<void>;
  /** Leaves no file if nothing was written to it. */
  close(): Promise<void>;
}

/** Creates the file, for its owner alone. One that is there stays as it is. Throws `import_unreadable`. */
export async function createIssuedKeysFile(path: string): Promise<IssuedKeysFile> {
  const file = await create(path);
  let count = 0;
  return {
    async add(key) {
      await file.writeFile(`${JSON.stringify(key)}\n`);
      await file.sync();
      count += 1;
    },
    async close() {
      await file.close();
      if (count === 0) await rm(path);
    },
  };
}

async function create(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.chmod(0o600); // a umask may have taken more than we asked for
    return file;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    const problem =
      code === "EEXIST" ? `${path} exists, and is not overwritten` : `${path} cannot be created (${code})`;
    throw unreadable("the source", problem, "name a new file with --keys-to");
  }
}
