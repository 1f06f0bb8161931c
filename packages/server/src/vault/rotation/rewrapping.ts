import { type Clock, isoTime } from "../../kernel/clock.ts";
import { asAppError, describe } from "../../kernel/errors.ts";
import type { Log } from "../../kernel/log.ts";
import { nextTurn } from "../../kernel/turns.ts";
import type { HeldKeys } from "../held-keys.ts";
import type { RecordRef, VaultStore } from "../store.ts";
import { createPace, type Pace, type Rest } from "./pace.ts";
import { startRewrapThread, type RewrapThread } from "./rewrap-thread.ts";
import { createRewrapWork, nameOf, type Found, type RewrapWork } from "./rewrap-work.ts";

/*
 * Brings every record under the newest term, in the background, and lets go of the terms that none is left under.
 *
 *   idle      nothing is to be done: one term, or `begin` has not been called
 *   working   reads pieces, re-wraps and stores them slice by slice, and rests after each slice (`pace.ts`)
 *   waiting   something failed, as `problem` says; tried again after 1, 2, 4, … seconds, at most a minute
 *   stuck     all that is left does not open; those records and their terms stay as they are
 *
 * While many records are left, a second thread re-wraps them (`rewrap-thread.ts`), and the main one stores what that has
 * ready. Only with nothing ready, or without a second thread, does the main one re-wrap some itself.
 *
 * `stop` (when the vault is sealed) ends any of them, and whatever was under way does nothing more. All that it knows is in
 * the store: a process that is killed goes on where it was, and several instances may work at once. A term goes in the
 * same step in which the store sees that no record is under it.
 */

export interface RotationStatus {
  readonly kind: "kek";
  readonly done: number;
  readonly total: number;
  /** ISO 8601 */
  readonly since: string;
  /** What holds it up, if anything. */
  readonly problem: string | null;
}

export interface Rewrapping {
  /** Looks for work; with work under way, that goes on with the newest term there is now. */
  begin(): void;
  stop(): void;
  /** `null` while idle. */
  status(): RotationStatus | null;
  /** Resolves once nothing is under way, be it done, stuck or waiting. */
  settled(): Promise<void>;
}

/** Read at once, and stored in one transaction, as most of what that costs is waiting for the disk: each a millisecond or two. */
const sizes = { piece: 400, slice: 100 } as const;
/** A thread costs a tenth of a second and more until it is as fast as this one, in which so many are re-wrapped without. */
const threadedFrom = 2_000;
const mostUnreadable = 1_000;
const retry = { firstMs: 1_000, mostMs: 60_000 } as const;

interface Parts {
  readonly store: Pick<VaultStore, "countBelow" | "someBelow" | "rewrap" | "removeUnusedTerms">;
  readonly keys: Pick<HeldKeys, "present" | "ring" | "renew">;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  /** How it rests after each slice; by a pause, unless given. */
  readonly rest?: Rest | undefined;
  /** Parameters so that a test can have the thread die, and needs fewer records for one. */
  readonly startThread?: typeof startRewrapThread;
  readonly threadedFrom?: number;
}

/** One go at the records below a term. */
interface Task {
  readonly work: RewrapWork;
  readonly pace: Pace;
  readonly newest: number;
  readonly isWanted: () => boolean;
}

export function createRewrapping(parts: Parts): Rewrapping {
  return new Rewrapper(parts);
}

class Rewrapper implements Rewrapping {
  readonly #parts: Parts;
  #round = 0; // which `begin` is in force
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #status: RotationStatus | null = null;
  #thread: RewrapThread | undefined;
  readonly #unreadable = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  begin(): void {
    this.stop();
    this.#start(retry.firstMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#round++;
    this.#thread?.end();
    this.#status = null;
    this.#unreadable.clear();
  }

  status(): RotationStatus | null {
    return this.#status;
  }

  settled(): Promise<void> {
    return this.#running;
  }

  #start(retryMs: number): void {
    const round = this.#round;
    const isWanted = (): boolean => round === this.#round && this.#parts.keys.present !== undefined;
    this.#running = this.#running.then(async () => {
      try {
        await this.#run(isWanted);
      } catch (error) {
        if (!isWanted()) return;
        this.#fail(describe(asAppError(error)));
        this.#timer = setTimeout(() => this.#start(Math.min(retryMs * 2, retry.mostMs)), retryMs).unref();
      }
    });
  }

  async #run(isWanted: () => boolean): Promise<void> {
    const { store, keys } = this.#parts;
    if (this.#status !== null && isWanted()) await keys.renew(); // it failed: perhaps for a term that is no more
    while (isWanted() && keys.ring().terms.length > 1) {
      const newest = keys.ring().newestTerm;
      if (!(await this.#rewrapAll(newest, isWanted)) || !isWanted()) return;
      const removed = await store.removeUnusedTerms(newest);
      if (!isWanted()) return;
      await keys.renew();
      if (removed.length > 0)
        this.#parts.log?.info({ terms: removed, newest }, "the vault let go of its old key terms");
      if (this.#unreadable.size > 0 && keys.ring().newestTerm === newest) return this.#tellStuck();
    }
    if (isWanted()) this.#status = null;
  }

  /** Until nothing but unreadable records is below the term; whether it came to that. */
  async #rewrapAll(newest: number, isWanted: () => boolean): Promise<boolean> {
    const { store, clock, rest, threadedFrom: from = threadedFrom } = this.#parts;
    const total = await store.countBelow(newest);
    if (!isWanted()) return false;
    const since = this.#status?.since ?? isoTime(clock.now());
    this.#status = { kind: "kek", done: 0, total, since, problem: null };
    if (total >= from) this.#thread = this.#startThread(newest);
    try {
      const pace = createPace(clock, rest);
      return await this.#workThrough({ work: this.#createWork(newest, pace, isWanted), pace, newest, isWanted });
    } finally {
      this.#thread?.end();
    }
  }

  async #workThrough(task: Task): Promise<boolean> {
    const { work, pace, isWanted } = task;
    while (isWanted()) {
      if (work.ready >= sizes.slice) await this.#storeSlice(task);
      else if (work.waiting > 0) {
        work.turn();
        await nextTurn();
      } else if (!(await this.#readPiece(task))) {
        if (work.size === 0 || this.#unreadable.size > mostUnreadable) return isWanted();
        await pace.wait(work.answered());
        if (isWanted() && work.ready > 0) await this.#storeSlice(task);
      }
    }
    return false;
  }

  /** Whether there was any record that is neither unreadable nor being worked on. */
  async #readPiece({ work, newest, isWanted }: Task): Promise<boolean> {
    const { store, keys } = this.#parts;
    const found = await store.someBelow(newest, sizes.piece + this.#unreadable.size, work.size);
    if (!isWanted()) return false;
    const left = found.filter((record) => !this.#unreadable.has(nameOf(record)) && !work.holds(record));
    if (left.length === 0 && work.size === 0) this.#keepUnreadable(found);
    if (left.some(({ term }) => keys.ring().kek(term) === undefined)) await keys.renew();
    if (!isWanted() || left.length === 0) return false;
    if (left.some(({ term }) => !this.#thread?.keys.terms.includes(term))) this.#thread?.end(); // what it lacks came later
    work.add(left);
    return true;
  }

  async #storeSlice({ work, pace, isWanted }: Task): Promise<void> {
    const records = work.take(sizes.slice);
    await this.#parts.store.rewrap(records);
    if (!isWanted()) return;
    this.#count(records.length);
    await pace.rest();
  }

  #createWork(newTerm: number, pace: Pace, isWanted: () => boolean): RewrapWork {
    const { keys } = this.#parts;
    const unreadable = (record: RecordRef): void => {
      if (!isWanted()) return;
      this.#unreadable.add(nameOf(record));
      this.#count(1);
    };
    return createRewrapWork({ newTerm, kek: (term) => keys.ring().kek(term), thread: this.#thread, pace, unreadable });
  }

  /** `undefined` if it cannot be started; the work goes on without. */
  #startThread(newTerm: number): RewrapThread | undefined {
    const { keys, log, startThread = startRewrapThread } = this.#parts;
    const tell = (error: unknown): void => {
      log?.warn({ problem: describe(error) }, "the thread that re-wraps has ended; re-wrapping goes on without it");
    };
    const lent = keys.ring().terms.flatMap((term) => {
      const kek = keys.ring().kek(term);
      return kek === undefined ? [] : [[term, kek] as const];
    });
    try {
      return startThread(new Map(lent), newTerm, tell);
    } catch (error) {
      tell(error);
      return undefined;
    }
  }

  #count(records: number): void {
    if (this.#status === null) return;
    const done = this.#status.done + records;
    this.#status = { ...this.#status, done, total: Math.max(done, this.#status.total) };
  }

  /** One that did not open may have been re-wrapped by another instance meanwhile, and its term be gone for that. */
  #keepUnreadable(found: readonly Found[]): void {
    this.#unreadable.clear();
    for (const record of found) this.#unreadable.add(nameOf(record));
  }

  #tellStuck(): void {
    const names = [...this.#unreadable];
    const more = names.length > 3 ? `, and ${names.length - 3} more` : "";
    this.#fail(`${names.slice(0, 3).join(", ")}${more} cannot be opened; their key terms stay until they are removed`);
  }

  #fail(problem: string): void {
    const since = this.#status?.since ?? isoTime(this.#parts.clock.now());
    this.#status = { kind: "kek", done: 0, total: 0, ...this.#status, since, problem };
    this.#parts.log?.warn({ problem }, "re-wrapping the vault's records is held up");
  }
}
