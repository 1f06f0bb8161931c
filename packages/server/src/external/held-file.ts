import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";

// Files by which others hand this gateway what it proves itself with: a platform's service account token, an agent's token
// sink. They are read anew at each login, since whoever writes them replaces them. Symbolic links are followed and modes not
// judged: Kubernetes lays its tokens out as links, readable by the group.

const maxSizeBytes = 64 * 1024;

/** A secret that stands in a file somebody else keeps fresh. */
export interface FileHeld {
  readonly file: string;
}

/** What was given, or what its file holds now. */
export async function heldSecret(given: Secret | FileHeld): Promise<Secret> {
  return given instanceof Secret ? given : readHeldSecret(given.file);
}

/** The text of such a file without surrounding white space. Throws `file_failed`. */
export async function readHeldSecret(path: string): Promise<Secret> {
  return new Secret((await readHeldText(path)).trim());
}

/** Throws `file_failed` if there is no such file, too. */
export async function readHeldText(path: string): Promise<string> {
  const text = await readText(path).catch((error: unknown) => {
    throw failed(path, (error as NodeJS.ErrnoException).code ?? "unknown", error);
  });
  if (text === undefined) throw failed(path, `it is no plain file, or larger than ${maxSizeBytes} bytes`);
  return text;
}

/** `undefined` if there is no such file. */
export async function readHeldTextIfAny(path: string): Promise<string | undefined> {
  try {
    return await readHeldText(path);
  } catch (error) {
    if (error instanceof AppError && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT")
      return undefined;
    throw error;
  }
}

export async function readCertificates(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: unknown) => {
    throw failed(path, (error as NodeJS.ErrnoException).code ?? "unknown", error);
  });
}

async function readText(path: string): Promise<string | undefined> {
  // O_NONBLOCK: a pipe put there instead of a file must not hang.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = await file.stat();
    return stat.isFile() && stat.size <= maxSizeBytes ? await file.readFile("utf8") : undefined;
  } finally {
    await file.close();
  }
}

function failed(path: string, problem: string, cause?: unknown): AppError {
  return new AppError("file_failed", { path, verb: "read", problem }, cause === undefined ? {} : { cause });
}
