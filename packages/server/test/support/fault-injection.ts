/**
 * Loaded into a gateway's process, and so into its threads, before anything else: makes chosen operations on the journal's
 * files and chosen statements of the settling thread fail, at the edge of the product and not inside it. What fails stands
 * in a file that is read again for every operation, so a test can change it while the gateway runs.
 */
import fs from "node:fs";
import fsPromises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { StatementSync } from "node:sqlite";
import { isMainThread } from "node:worker_threads";

/** The operations on files in the journal's directory, and the statements of the thread that settles. */
type Operation = "open" | "write" | "truncate" | "close" | "read" | "remove" | "sync" | "statement" | "commit";

export interface Fault {
  /** A new one for each fault: operations are counted anew. */
  readonly id: number;
  readonly operation: Operation;
  /** `after`: it fails once it has been done. `short`: half of a write is done, and no error is given. */
  readonly mode: "before" | "after" | "short";
  readonly code: "ENOSPC" | "EIO";
  /** So many operations go well first, and then so many fail. */
  readonly skip: number;
  readonly times: number;
}

/** The name of the variable that says where the file is; a line for each failure is added beside it, in `….hits`. */
export const faultFileVariable = "FAULT_INJECTION_FILE";

type AnyFunction = (this: unknown, ...parameters: unknown[]) => unknown;

const file = process.env[faultFileVariable];
if (file !== undefined) inject(file);

function inject(path: string): void {
  const { readFileSync, appendFileSync } = fs;
  const inJournal = new Set<unknown>();
  let id = 0;
  let count = 0;

  /** The fault that this operation is to suffer, if any. */
  function faultFor(operation: Operation): Fault | undefined {
    const fault = JSON.parse(readFileSync(path, "utf8")) as Fault | null;
    if (fault?.operation !== operation) return undefined;
    if (fault.id !== id) [id, count] = [fault.id, 0];
    count += 1;
    if (count <= fault.skip || count > fault.skip + fault.times) return undefined;
    appendFileSync(`${path}.hits`, `${fault.id}\n`);
    return fault;
  }

  /** Replaces a function by one that fails when told to, if `concerns` says that the call is one of the journal's. */
  function replace(target: object, name: string, operation: Operation, concerns: AnyFunction): void {
    const original = Reflect.get(target, name) as AnyFunction;
    Reflect.set(target, name, function (this: unknown, ...parameters: unknown[]) {
      const fault = concerns.apply(this, parameters) === true ? faultFor(operation) : undefined;
      if (fault?.mode === "before") throw errorOf(fault);
      if (fault?.mode === "short") return original.apply(this, halved(parameters));
      const result = original.apply(this, parameters);
      if (name === "openSync" && isJournal(parameters[0])) inJournal.add(result);
      if (name === "closeSync") inJournal.delete(parameters[0]);
      if (fault !== undefined) throw errorOf(fault);
      return result;
    });
  }

  const isOpen: AnyFunction = (descriptor) => inJournal.has(descriptor);
  replace(fs, "openSync", "open", (at, flags) => isJournal(at) && flags !== "r");
  replace(fs, "writeSync", "write", isOpen);
  replace(fs, "ftruncateSync", "truncate", isOpen);
  replace(fs, "closeSync", "close", isOpen);
  replace(fs, "readSync", "read", isOpen);
  replace(fs, "rmSync", "remove", isJournal);
  replace(fsPromises, "open", "sync", isJournal);
  syncBuiltinESMExports();
  if (isMainThread) return;
  replace(StatementSync.prototype, "run", "commit", function (this: unknown) {
    return this instanceof StatementSync && this.sourceSQL === "commit";
  });
  for (const name of ["run", "all"]) replace(StatementSync.prototype, name, "statement", () => true);
}

function isJournal(path: unknown): boolean {
  return typeof path === "string" && /[/\\]journal[/\\][0-9a-z]{26}\.log$/.test(path);
}

/** `writeSync(descriptor, bytes, offset, length, position)` with half the length. */
function halved([descriptor, bytes, offset, length, position]: unknown[]): unknown[] {
  return [descriptor, bytes, offset, Math.floor(Number(length) / 2), position];
}

/** As the system and SQLite word it. */
function errorOf({ operation, code }: Fault): Error {
  if (operation === "statement" || operation === "commit") {
    const [errcode, errstr] = code === "EIO" ? [10, "disk I/O error"] : [13, "database or disk is full"];
    return Object.assign(new Error(errstr), { code: "ERR_SQLITE_ERROR", errcode, errstr });
  }
  const [errno, words] = code === "EIO" ? [-5, "i/o error"] : [-28, "no space left on device"];
  return Object.assign(new Error(`${code}: ${words}, ${operation}`), { code, errno, syscall: operation });
}
