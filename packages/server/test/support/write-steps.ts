/**
 * Watches every step by which this process changes files or a database, at the edge of the product and not inside it: a
 * file is made, written, flushed, closed, named or removed; a statement goes to SQLite or PostgreSQL. Any of them can be
 * interrupted, by an error or by the end of the process.
 */
import fs from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import type { Socket } from "node:net";
import { StatementSync } from "node:sqlite";
import pg from "pg";

export interface Interruption {
  /** What is done of the step first; half of it only of a write, otherwise nothing. */
  readonly done: "nothing" | "half" | "all";
  /** Throws, or does not return. `subject` is what the step is a method of. */
  end(subject: unknown): never;
}

/** Is told of each step before it is taken. */
export type Watcher = (step: string) => Interruption | undefined;

let watcher: Watcher | undefined;

/** Everything that `run` does is watched. */
export async function watched<Result>(watch: Watcher, run: () => Promise<Result>): Promise<Result> {
  await install();
  watcher = watch;
  try {
    return await run();
  } finally {
    watcher = undefined;
  }
}

type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown;
type NameOf = (this: unknown, ...parameters: unknown[]) => string | undefined;

let installed: Promise<void> | undefined;

function install(): Promise<void> {
  installed ??= installAll();
  return installed;
}

const ofWriter = new WeakSet<object>();

async function installAll(): Promise<void> {
  const handle = await fsPromises.open(import.meta.filename);
  const handles = Object.getPrototypeOf(handle) as object;
  await handle.close();
  for (const name of ["chmod", "write", "writeFile", "truncate", "sync", "datasync"])
    replaceAsync(handles, name, () => name);
  replaceAsync(handles, "close", function (this: unknown) {
    return ofWriter.has(this as object) ? "close" : undefined;
  });
  replaceAsync(fsPromises, "open", (_path, flags) => (isReading(flags) ? undefined : "open"));
  for (const name of ["rename", "link", "rm", "unlink", "mkdir", "mkdtemp"]) replaceAsync(fsPromises, name, () => name);
  replaceSync(fs, "openSync", (_path, flags) => (isReading(flags) ? undefined : "open"));
  syncBuiltinESMExports();
  for (const name of ["run", "all", "get"]) replaceSync(StatementSync.prototype, name, () => "statement");
  replaceAsync(pg.Client.prototype, "query", () => "statement");
}

function isReading(flags: unknown): boolean {
  if (typeof flags === "number") return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) === 0;
  return flags === undefined || flags === "r";
}

function replaceAsync(target: object, name: string, nameOf: NameOf): void {
  const original = Reflect.get(target, name) as AnyFunction;
  Reflect.set(target, name, async function (this: unknown, ...parameters: unknown[]) {
    const step = nameOf.apply(this, parameters);
    const cut = step === undefined ? undefined : watcher?.(step);
    const isHalf = cut?.done === "half" && step?.startsWith("write") === true;
    if (cut !== undefined && cut.done !== "all" && !isHalf) cut.end(this);
    const result = await original.apply(this, isHalf ? halved(parameters) : parameters);
    if (step === "open") await opened(result as fsPromises.FileHandle, cut);
    cut?.end(this);
    return result;
  });
}

async function opened(file: fsPromises.FileHandle, cut: Interruption | undefined): Promise<void> {
  ofWriter.add(file);
  if (cut !== undefined) await file.close(); // nobody else will
}

function replaceSync(target: object, name: string, nameOf: NameOf): void {
  const original = Reflect.get(target, name) as AnyFunction;
  Reflect.set(target, name, function (this: unknown, ...parameters: unknown[]) {
    const step = nameOf.apply(this, parameters);
    const cut = step === undefined ? undefined : watcher?.(step);
    if (cut !== undefined && cut.done !== "all") cut.end(this);
    const result = original.apply(this, parameters);
    if (step === "open" && cut !== undefined) fs.closeSync(result as number);
    cut?.end(this);
    return result;
  });
}

function halved([bytes, ...others]: unknown[]): unknown[] {
  return bytes instanceof Uint8Array ? [bytes.subarray(0, bytes.length >> 1), ...others] : [bytes, ...others];
}

/** Interrupts the n-th step, and counts them all. */
export function interruptAt(n: number, cut: (step: string) => Interruption): { watch: Watcher; steps: string[] } {
  const steps: string[] = [];
  const watch = (step: string): Interruption | undefined => (steps.push(step) === n ? cut(step) : undefined);
  return { steps, watch };
}

/** Fails as the system or SQLite words it; or cuts the connection to PostgreSQL, which sees what it would see of a kill. */
export function fail(step: string, code: "ENOSPC" | "EIO", subject: unknown): never {
  if (subject instanceof pg.Client) {
    (subject as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
    throw new Error("Connection terminated unexpectedly");
  }
  if (step === "statement") {
    const [errcode, errstr] = code === "EIO" ? [10, "disk I/O error"] : [13, "database or disk is full"];
    throw Object.assign(new Error(errstr), { code: "ERR_SQLITE_ERROR", errcode, errstr });
  }
  const [errno, words] = code === "EIO" ? [-5, "i/o error"] : [-28, "no space left on device"];
  throw Object.assign(new Error(`${code}: ${words}, ${step}`), { code, errno, syscall: step });
}
