import { parentPort, workerData } from "node:worker_threads";
import { openDatabase, type Db } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { AppError, describe } from "../kernel/errors.ts";
import type { SegmentProgress, SegmentState } from "./journal.ts";
import { createLedger } from "./ledger.ts";
import { openRejects } from "./rejects.ts";
import { prune } from "./retention.ts";
import { Settlement } from "./settlement.ts";
import type { FromSettler, Problem, SettlerData, ToSettler } from "./settler.ts";
import { createSync } from "./sync.ts";

/**
 * The thread that settles. It makes a *pass* over the journal's files whenever it is told that something was written.
 * A pass that fails leaves the rest where it is and is repeated, after a delay that doubles from `firstRetryMs` up to
 * `lastRetryMs`; only a flush is not made to wait for that. A file that cannot be read does not hold up the others.
 *
 * Beside that, and in small portions between the passes, it deletes what is older or more than is to be kept.
 */
const firstRetryMs = 100;
const lastRetryMs = 5_000;
const syncMs = 1_000;
/** How often it is looked for usage that is too old, or more than there is room for. */
const pruneMs = 60_000;

const port = parentPort;
if (port === null) throw new Error("this file is the body of a worker thread");
const post = (message: FromSettler): void => port.postMessage(message);

const { directory, database, retention: firstRetention }: SettlerData = workerData;
const rejects = openRejects(directory, systemClock);
const sync = createSync(directory);

let opening: Promise<Db> | undefined;
let settlement: Settlement | undefined;
let states: readonly SegmentState[] = [];
let flushes: number[] = [];
let wanted = false;
let passing: Promise<void> | undefined;
let retryTimer: NodeJS.Timeout | undefined;
let retryMs = firstRetryMs;
let syncTimer: NodeJS.Timeout | undefined;
let syncProblem: Problem | undefined;
let retention = firstRetention;
let pruning: Promise<void> | undefined;
let pruneTimer: NodeJS.Timeout | undefined;
const stopping = new AbortController();

pruneSoon();

port.on("message", (message: ToSettler) => {
  if (message.kind === "close") return void close();
  if (message.kind === "retain") {
    retention = message.retention;
    return pruneSoon();
  }
  states = message.states;
  if (message.kind === "flush") flushes.push(message.id);
  if (message.kind === "flush" || retryTimer === undefined) wake();
  syncTimer ??= setTimeout(() => void syncFiles(), syncMs);
});

function wake(): void {
  clearTimeout(retryTimer);
  retryTimer = undefined;
  wanted = true;
  passing ??= passes();
}

async function passes(): Promise<void> {
  while (wanted) {
    wanted = false;
    await pass();
  }
  passing = undefined;
}

async function pass(): Promise<void> {
  const answering = flushes;
  flushes = [];
  const problem = await settleAll(states);
  if (problem === undefined) {
    retryMs = firstRetryMs;
  } else {
    retryTimer ??= setTimeout(wake, retryMs);
    retryMs = Math.min(retryMs * 2, lastRetryMs);
  }
  post({ kind: "passed", problem: problem ?? syncProblem, rejectedRows: rejects.count });
  for (const id of answering) post({ kind: "flushed", id, problem });
}

/** Why not everything could be settled; `undefined` if it was. */
async function settleAll(files: readonly SegmentState[]): Promise<Problem | undefined> {
  let problem: Problem | undefined;
  for (const file of files) {
    try {
      settlement ??= new Settlement({ directory, ledger: createLedger(await openLedger()), rejects });
      await settlement.advance(file, (progress: SegmentProgress) => post({ kind: "progress", progress }));
    } catch (error) {
      if (error instanceof AppError) return databaseProblem(error); // no other file would fare better
      problem ??= { message: "a journal file cannot be settled", detail: `${file.name}: ${describe(error)}` };
    }
  }
  return problem;
}

/** Other messages than that of a database that is away may name a path. */
function databaseProblem(error: AppError): Problem {
  const isAway = error.code === "database_unavailable";
  return { message: isAway ? error.message : "the database cannot be used", detail: describe(error) };
}

/** Every commit is synced before the journal file that it came from is deleted. */
function openLedger(): Promise<Db> {
  opening ??= openDatabase({ ...database, synchronous: "full" }).catch((error: unknown) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

function pruneSoon(): void {
  clearTimeout(pruneTimer);
  pruning ??= pruneNow().finally(() => {
    pruning = undefined;
    if (!stopping.signal.aborted) pruneTimer = setTimeout(pruneSoon, pruneMs);
  });
}

async function pruneNow(): Promise<void> {
  if (retention === undefined) return;
  try {
    const parts = { db: await openLedger(), clock: systemClock, signal: stopping.signal };
    post({ kind: "pruned", kept: await prune({ ...parts, retention }) });
  } catch (error) {
    if (error instanceof AppError) return; // the database's own trouble, which settling tells of
    post({ kind: "not pruned", problem: { message: "old usage cannot be deleted", detail: describe(error) } });
  }
}

async function syncFiles(): Promise<void> {
  syncTimer = undefined;
  try {
    await sync(states);
    syncProblem = undefined;
  } catch (error) {
    syncProblem = { message: "the journal cannot be synced to disk", detail: describe(error) };
  }
}

async function close(): Promise<void> {
  clearTimeout(syncTimer);
  clearTimeout(retryTimer);
  clearTimeout(pruneTimer);
  stopping.abort();
  wanted = false;
  await passing;
  clearTimeout(retryTimer);
  await syncFiles();
  await pruning;
  await opening?.then((db) => db.close());
  port?.close();
}
