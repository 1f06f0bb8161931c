import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { AppError, describe } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { createGathering } from "./gathering.ts";
import type { SegmentProgress, SegmentState } from "./journal.ts";
import type { KeptRequests, Retention } from "./retention.ts";

/** Where the ledger is. The settler opens a connection of its own. */
export interface LedgerAddress {
  readonly url: string;
  readonly home: string;
}

/** What the thread is started with. */
export interface SettlerData {
  readonly directory: string;
  readonly database: LedgerAddress;
  /** Nothing is ever deleted unless given. */
  readonly retention: Retention | undefined;
}

/** Each message says how the journal stands now; the lines themselves are read from disk. */
export type ToSettler =
  | { readonly kind: "written"; readonly states: readonly SegmentState[] }
  | { readonly kind: "flush"; readonly states: readonly SegmentState[]; readonly id: number }
  | { readonly kind: "retain"; readonly retention: Retention }
  | { readonly kind: "close" };

export type FromSettler =
  | { readonly kind: "progress"; readonly progress: SegmentProgress }
  | { readonly kind: "flushed"; readonly id: number; readonly problem: Problem | undefined }
  /** After every pass over the journal. */
  | { readonly kind: "passed"; readonly problem: Problem | undefined; readonly rejectedRows: number }
  /** After each time that old usage was deleted, or was to be. */
  | { readonly kind: "pruned"; readonly kept: KeptRequests }
  | { readonly kind: "not pruned"; readonly problem: Problem };

/** Why rows could not be settled, or files not synced. */
export interface Problem {
  /** May be shown to anybody. */
  readonly message: string;
  /** For the operator's log. */
  readonly detail: string;
}

export interface SettlerParts {
  readonly data: SettlerData;
  readonly log: Log;
  /** The journal as it stands. */
  states(): readonly SegmentState[];
  onProgress(progress: SegmentProgress): void;
  /** Called each time before the thread is woken. */
  onWake(): void;
}

/** A gateway is up before its second thread is, which takes as much of the processor as a quarter of all the rest. */
const firstStartMs = 250;
const restartMs = 1_000;
const failed: Problem = { message: "the thread that settles usage has failed", detail: "it is started again" };

/**
 * The thread that settles, seen from the main thread. It is woken when enough has gathered, and started anew if it dies:
 * it holds nothing that is not on disk.
 */
export class Settler {
  readonly #parts: SettlerParts;
  readonly #flushes = new Map<number, PromiseWithResolvers<void>>();
  readonly #gathering = createGathering(() => this.#wake());
  #data: SettlerData;
  #flushCount = 0;
  /** Whether the thread was never started. */
  #isNew = true;
  #startTimer: NodeJS.Timeout | undefined;
  #worker: Worker | undefined;
  #problem: Problem | undefined;
  #rejectedRows = 0;
  #pruneProblem: Problem | undefined;
  #kept: KeptRequests | undefined;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
    this.#data = parts.data;
    this.#startTimer = setTimeout(() => this.#start(), firstStartMs);
  }

  /** What keeps rows from the database, or old ones in it, at present; for anybody to read. */
  get problems(): readonly string[] {
    return [this.#problem, this.#pruneProblem].flatMap((problem) => problem?.message ?? []);
  }

  /** As it was when usage was last looked through for what is too old or too much. */
  get kept(): KeptRequests | undefined {
    return this.#kept;
  }

  /** Rows and lines that were put aside in `rejected.log`. */
  get rejectedRows(): number {
    return this.#rejectedRows;
  }

  /** Something was written; it will be settled within a moment. Cheap: may be called for every request. */
  poke(): void {
    this.#gathering.add();
  }

  /** Resolves once all that is written is in the database. Rejects with `database_unavailable` if that fails now. */
  flush(): Promise<void> {
    const flush = Promise.withResolvers<void>();
    const id = ++this.#flushCount;
    this.#flushes.set(id, flush);
    if (this.#isNew) this.#start();
    else this.#send({ kind: "flush", states: this.#parts.states(), id });
    return flush.promise;
  }

  /** From now on usage is kept so long, and in so much room. */
  retain(retention: Retention): void {
    this.#data = { ...this.#data, retention };
    this.#send({ kind: "retain", retention });
  }

  /** Ends the thread after the pass that is under way. */
  async close(): Promise<void> {
    this.#gathering.stop();
    clearTimeout(this.#startTimer);
    const worker = this.#worker;
    if (worker === undefined) return;
    worker.removeAllListeners("exit");
    const exited = once(worker, "exit");
    this.#send({ kind: "close" });
    await exited;
  }

  #wake(): void {
    this.#parts.onWake();
    this.#send({ kind: "written", states: this.#parts.states() });
  }

  #start(): void {
    this.#isNew = false;
    clearTimeout(this.#startTimer);
    const file = new URL(`./settler-worker${extname(import.meta.filename)}`, import.meta.url);
    const worker = new Worker(file, { workerData: this.#data });
    worker.on("message", (message: FromSettler) => this.#receive(message));
    worker.on("error", (error) => this.#parts.log.error({ error: describe(error) }, failed.message));
    worker.on("exit", () => {
      this.#worker = undefined;
      this.#problem = failed;
      this.#startTimer = setTimeout(() => this.#start(), restartMs);
    });
    this.#worker = worker;
    this.#send({ kind: "written", states: this.#parts.states() });
    for (const id of this.#flushes.keys()) this.#send({ kind: "flush", states: this.#parts.states(), id });
  }

  /** While there is no thread nothing is sent: the next one is told all anew. */
  #send(message: ToSettler): void {
    this.#worker?.postMessage(message);
  }

  #receive(message: FromSettler): void {
    if (message.kind === "progress") this.#parts.onProgress(message.progress);
    else if (message.kind === "flushed") this.#answer(message.id, message.problem);
    else if (message.kind === "passed") this.#notePass(message.problem, message.rejectedRows);
    else if (message.kind === "pruned") this.#notePruned(message.kept);
    else this.#noteNotPruned(message.problem);
  }

  #answer(id: number, problem: Problem | undefined): void {
    const flush = this.#flushes.get(id);
    this.#flushes.delete(id);
    if (problem === undefined) flush?.resolve();
    else flush?.reject(new AppError("database_unavailable", {}, { detail: problem.detail }));
  }

  #notePass(problem: Problem | undefined, rejectedRows: number): void {
    const { log } = this.#parts;
    if (problem?.detail !== this.#problem?.detail) {
      if (problem === undefined) log.info({}, "usage reaches the database again");
      else log.error({ problem: problem.detail }, "usage waits in the journal");
    }
    if (rejectedRows > this.#rejectedRows) {
      log.error({ rows: rejectedRows }, "usage rows that cannot be settled were put aside in journal/rejected.log");
    }
    this.#problem = problem;
    this.#rejectedRows = rejectedRows;
  }

  #notePruned(kept: KeptRequests): void {
    const dropped = this.#kept === undefined ? 0 : kept.droppedRows - this.#kept.droppedRows;
    if (dropped > 0) {
      this.#parts.log.warn({ rows: dropped }, "the oldest requests were deleted to make room; their sums are kept");
    }
    this.#kept = kept;
    this.#pruneProblem = undefined;
  }

  #noteNotPruned(problem: Problem): void {
    if (problem.detail !== this.#pruneProblem?.detail) {
      this.#parts.log.error({ problem: problem.detail }, problem.message);
    }
    this.#pruneProblem = problem;
  }
}
