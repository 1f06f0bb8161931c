import { randomForBoxes } from "../box.ts";
import { rewrapRecord } from "../envelope.ts";
import type { RecordRef, Rewrapped, StoredRecord } from "../store.ts";
import type { Pace } from "./pace.ts";
import type { RewrapThread } from "./rewrap-thread.ts";

/*
 * The records of a rotation between their reading and their storing. All of it happens in the main thread but for what is
 * "at the thread":
 *
 *   waiting ──► at the thread ──► re-wrapped ──► taken, to be stored
 *      │ ▲            │ it died          ▲
 *      │ └────────────┘                  │
 *      └──► a turn of them, here ────────┘
 *
 * The thread is given more before it is done, so that it never waits for the main one. A record that does not open leaves.
 */

export type Found = RecordRef & StoredRecord;

export interface RewrapWork {
  /** How many records are in here. */
  readonly size: number;
  /** How many of them nobody has begun with. */
  readonly waiting: number;
  holds(record: RecordRef): boolean;
  add(records: readonly Found[]): void;
  /** Re-wraps as many as one turn of the event loop has time for. */
  turn(): void;
  /** Up to `most` that are re-wrapped. The caller stores them before anything else is read. */
  take(most: number): readonly Rewrapped[];
  /** How many could be taken. */
  readonly ready: number;
  /** Resolves once the thread has answered next, at once if it has nothing to answer. */
  answered(): Promise<void>;
}

interface Parts {
  readonly newTerm: number;
  /** The KEK of a term, if there is one at this moment. */
  readonly kek: (term: number) => Uint8Array | undefined;
  readonly thread: RewrapThread | undefined;
  readonly pace: Pace;
  /** Is told of each record that does not open. */
  readonly unreadable: (record: RecordRef) => void;
}

/** What the thread is given at once, how much of that it has at most, and what is done here in one turn: a millisecond or less. */
const sizes = { slice: 100, slicesAhead: 2, turn: 25 } as const;

export function nameOf({ type, id, field }: RecordRef): string {
  return `${type}/${id}/${field}`;
}

export function createRewrapWork(parts: Parts): RewrapWork {
  return new Work(parts);
}

class Work implements RewrapWork {
  readonly #parts: Parts;
  readonly #names = new Set<string>();
  #waiting: Found[] = [];
  #rewrapped: Rewrapped[] = [];
  /** What the thread has not answered yet, in the order in which it was asked. */
  readonly #asked: Promise<void>[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#names.size;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get ready(): number {
    return this.#rewrapped.length;
  }

  holds(record: RecordRef): boolean {
    return this.#names.has(nameOf(record));
  }

  add(records: readonly Found[]): void {
    for (const record of records) this.#names.add(nameOf(record));
    this.#waiting.push(...records);
    this.#feed();
  }

  turn(): void {
    const { newTerm, kek } = this.#parts;
    const records = this.#waiting.splice(0, sizes.turn);
    const random = randomForBoxes(records.length);
    const newKek = kek(newTerm);
    for (const record of records) {
      const oldKek = kek(record.term);
      const next = newKek && { term: newTerm, kek: newKek };
      this.#done(record, oldKek && next && rewrapRecord(oldKek, record, record.sealed, next, random));
    }
  }

  take(most: number): readonly Rewrapped[] {
    this.#feed();
    const taken = this.#rewrapped.splice(0, most);
    for (const { ref } of taken) this.#names.delete(nameOf(ref));
    return taken;
  }

  async answered(): Promise<void> {
    await this.#asked[0];
  }

  #feed(): void {
    const { thread } = this.#parts;
    while (thread?.ended === false && this.#asked.length < sizes.slicesAhead && this.#waiting.length > 0) {
      this.#ask(thread, this.#waiting.splice(0, sizes.slice));
    }
  }

  #ask(thread: RewrapThread, records: readonly Found[]): void {
    const answer = thread.rewrap(records).then(
      ({ sealed, workedMs }) => {
        this.#parts.pace.add(workedMs);
        for (const [index, record] of records.entries()) this.#done(record, sealed[index]);
      },
      () => void this.#waiting.push(...records), // it has ended: they are as they were
    );
    this.#asked.push(answer.finally(() => void this.#asked.shift()));
  }

  #done(record: Found, sealed: Uint8Array | undefined): void {
    const { type, id, field, version, term: oldTerm } = record;
    if (sealed !== undefined) {
      this.#rewrapped.push({ ref: { type, id, field }, version, oldTerm, newTerm: this.#parts.newTerm, sealed });
      return;
    }
    this.#names.delete(nameOf(record));
    this.#parts.unreadable(record);
  }
}
