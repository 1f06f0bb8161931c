import { setTimeout as pause } from "node:timers/promises";
import { type Clock, isoTime } from "../../kernel/clock.ts";
import { asAppError, describe } from "../../kernel/errors.ts";
import type { Log } from "../../kernel/log.ts";
import { nextTurn } from "../../kernel/turns.ts";
import { randomForBoxes } from "../box.ts";
import { rewrapRecord } from "../envelope.ts";
import type { HeldKeys } from "../held-keys.ts";
import type { RandomBytes } from "../key-material.ts";
import type { RecordRef, Rewrapped, StoredRecord, VaultStore } from "../store.ts";

/*
 * Brings every record under the newest term, in the background, and lets go of the terms that none is left under.
 *
 *   idle      nothing is to be done: one term, or `begin` has not been called
 *   working   reads a piece, re-wraps and stores it slice by slice, and rests as long as each slice took
 *   waiting   something failed, as `problem` says; tried again after 1, 2, 4, … seconds, at most a minute
 *   stuck     all that is left does not open; those records and their terms stay as they are
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

/**
 * Read at once; stored in one transaction, as most of what that costs is waiting for the disk; and re-wrapped in one turn of
 * the event loop. Each is a millisecond or two.
 */
const sizes = { piece: 200, slice: 100, turn: 25 } as const;
const mostUnreadable = 1_000;
const retry = { firstMs: 1_000, mostMs: 60_000 } as const;

interface Parts {
  readonly store: Pick<VaultStore, "countBelow" | "someBelow" | "rewrap" | "removeUnusedTerms">;
  readonly keys: Pick<HeldKeys, "present" | "ring" | "renew">;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  /** What comes after each slice; for as long as the slice took, unless given. */
  readonly rest?: Rest | undefined;
}

/** Resolves once the work may go on that took so long until now. */
export type Rest = (tookMs: number) => Promise<void>;

const restAsLong: Rest = (tookMs) => pause(Math.max(1, tookMs));

type Found = RecordRef & StoredRecord;

export function createRewrapping(parts: Parts): Rewrapping {
  return new Rewrapper(parts);
}

class Rewrapper implements Rewrapping {
  readonly #parts: Parts;
  #round = 0; // which `begin` is in force
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #status: RotationStatus | null = null;
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
    const { store, clock } = this.#parts;
    const total = await store.countBelow(newest);
    if (!isWanted()) return false;
    const since = this.#status?.since ?? isoTime(clock.now());
    this.#status = { kind: "kek", done: 0, total, since, problem: null };
    for (;;) {
      const found = await store.someBelow(newest, sizes.piece + this.#unreadable.size);
      if (!isWanted()) return false;
      const left = found.filter((record) => !this.#unreadable.has(nameOf(record)));
      if (left.length === 0) this.#keepUnreadable(found);
      if (left.length === 0 || this.#unreadable.size > mostUnreadable) return true;
      for (let start = 0; start < left.length; start += sizes.slice) {
        if (!isWanted()) return false;
        await this.#rewrapSlice(left.slice(start, start + sizes.slice), newest, isWanted);
      }
    }
  }

  async #rewrapSlice(records: readonly Found[], newest: number, isWanted: () => boolean): Promise<void> {
    const { store, keys, clock, rest = restAsLong } = this.#parts;
    const startedAt = clock.monotonic();
    const rewrapped: Rewrapped[] = [];
    for (let start = 0; start < records.length; start += sizes.turn) {
      const turn = records.slice(start, start + sizes.turn);
      if (turn.some(({ term }) => keys.ring().kek(term) === undefined)) await keys.renew();
      if (!isWanted()) return;
      const random = randomForBoxes(turn.length);
      rewrapped.push(...turn.flatMap((record) => this.#rewrap(record, newest, random)));
      await nextTurn();
    }
    if (rewrapped.length > 0 && isWanted()) await store.rewrap(rewrapped);
    if (!isWanted() || this.#status === null) return;
    const done = this.#status.done + records.length;
    this.#status = { ...this.#status, done, total: Math.max(done, this.#status.total) };
    await rest(clock.monotonic() - startedAt);
  }

  #rewrap(record: Found, newTerm: number, random: RandomBytes): Rewrapped[] {
    const { type, id, field, version, term: oldTerm } = record;
    const [kek, newKek] = [this.#parts.keys.ring().kek(oldTerm), this.#parts.keys.ring().kek(newTerm)];
    const sealed = kek && newKek && rewrapRecord(kek, record, record.sealed, { term: newTerm, kek: newKek }, random);
    if (sealed === undefined) {
      this.#unreadable.add(nameOf(record));
      return [];
    }
    return [{ ref: { type, id, field }, version, oldTerm, newTerm, sealed }];
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

function nameOf({ type, id, field }: RecordRef): string {
  return `${type}/${id}/${field}`;
}
