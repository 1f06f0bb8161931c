import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../kernel/errors.ts";

/**
 * Makes the database file, readable by its owner alone, or checks that an existing one is. SQLite gives its `-wal` and
 * `-shm` files the mode of the database file, so new ones are private too; existing ones are checked.
 * Windows has no such modes; there only the file's existence is made sure of.
 */
export function preparePrivateFile(path: string): void {
  const descriptor = openPrivate(path);
  try {
    checkPrivate(path, fstatSync(descriptor));
  } finally {
    closeSync(descriptor);
  }
  for (const companion of [`${path}-wal`, `${path}-shm`]) {
    const stats = lstatSync(companion, { throwIfNoEntry: false });
    if (stats !== undefined) checkPrivate(companion, stats);
  }
}

function openPrivate(path: string): number {
  // O_NOFOLLOW does not exist on Windows, where it counts as no flag; O_NONBLOCK keeps a named pipe from hanging the start.
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    throw explainOpenFailure(path, error);
  }
}

function explainOpenFailure(path: string, error: unknown): AppError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  if (code === "ENOENT" || code === "ENOTDIR") {
    const problem = `there is no directory ${dirname(path)} for the database file`;
    return new AppError("config_invalid", { problem, advice: "create it, or correct `storage.url`" }, { cause: error });
  }
  if (code === "ELOOP") {
    const fix = "name the file that it points to in `storage.url`";
    return new AppError("file_unsafe", { path, problem: "is a symbolic link", fix }, { cause: error });
  }
  return new AppError("file_failed", { path, verb: "opened", problem: code }, { cause: error });
}

function checkPrivate(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    throw new AppError("file_unsafe", {
      path,
      problem: "is not a regular file",
      fix: "choose another file in `storage.url`",
    });
  }
  const ownUser = process.geteuid?.();
  if (ownUser === undefined) return;
  if (stats.uid !== ownUser) {
    throw new AppError("file_unsafe", { path, problem: "belongs to another user", fix: `chown ${ownUser} ${path}` });
  }
  if ((stats.mode & 0o077) !== 0) {
    throw new AppError("file_unsafe", { path, problem: "can be read by other users", fix: `chmod 600 ${path}` });
  }
}
