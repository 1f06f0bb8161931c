import { AppError } from "../kernel/errors.ts";

/** Says whose a file is if it is not ours. Windows has no numeric owners: access there is the account's own ACL. */
export function foreignOwner(uid: number): { readonly problem: string; readonly wanted: number } | undefined {
  const own = process.geteuid?.();
  if (own === undefined || uid === own) return undefined;
  return { problem: `belongs to user ${uid}, not to the user Portcullis runs as (${own})`, wanted: own };
}

/** A path as one word of a shell command. */
export function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ENOSPC: "no space left on the device",
  EDQUOT: "the disk quota is exceeded",
  ENOENT: "there is no such directory",
  ENOTDIR: "a part of the path is not a directory",
};

/** The operating system refused; `verb` is what was tried ("created", "read", "written"). */
export function fileFailed(path: string, verb: string, cause: unknown): AppError {
  return new AppError("file_failed", { path, verb, problem: reasons[errorCode(cause)] ?? errorCode(cause) }, { cause });
}

/** The system's name of an error (`ENOENT`), or what there is instead. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown error";
}
