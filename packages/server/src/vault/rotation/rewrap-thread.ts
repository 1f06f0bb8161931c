import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { RecordPlace } from "../envelope.ts";
import { lendKeys, takeBackKeys, type LentKeys } from "./lent-keys.ts";
import { packBytes, unpackBytes, type PackedBytes } from "./packed-bytes.ts";

/*
 * A thread beside the main one that re-wraps slices of records, one after the other. The KEKs lie in memory that it shares
 * and the main thread wipes (`lent-keys.ts`); a message would leave copies behind that nobody can reach. Records go to and
 * fro in messages: they are sealed.
 *
 *   running   takes slices. Entered at the start, though the first answer comes only when its code is loaded.
 *   ended     by `end`, or because it died. What it had not answered is rejected, and so is what it is given; its keys
 *             are wiped.
 */
export interface RewrapThread {
  /** The KEKs that it has. */
  readonly keys: LentKeys;
  readonly ended: boolean;
  /** Rejects if the thread has ended, or ends before it is done. */
  rewrap(records: readonly SealedRecord[]): Promise<RewrappedRecords>;
  /** Wipes the KEKs before it returns; the thread has nothing secret from then on. */
  end(): void;
}

export interface SealedRecord extends RecordPlace {
  readonly sealed: Uint8Array;
}

export interface RewrappedRecords {
  /** The records under the new term, in order, each `undefined` if it does not open. */
  readonly sealed: readonly (Uint8Array | undefined)[];
  /** How long the thread took for them. */
  readonly workedMs: number;
}

export interface RewrapThreadData {
  readonly keys: LentKeys;
  readonly newTerm: number;
}

/** What the thread is asked; `null` tells it to end. */
export interface AskedSlice {
  /** The `RecordPlace` of each, in JSON: that takes half the time that copying such objects does. */
  readonly places: string;
  readonly packed: PackedBytes;
}

/** What it answers, in the order in which it was asked. */
export interface RewrappedSlice {
  readonly packed: PackedBytes;
  readonly workedMs: number;
}

/** `keks` by their terms, that of `newTerm` among them. `told` hears why it died, if it did. */
export function startRewrapThread(
  keks: ReadonlyMap<number, Uint8Array>,
  newTerm: number,
  told: (error: unknown) => void,
): RewrapThread {
  return new Thread(keks, newTerm, told);
}

class Thread implements RewrapThread {
  readonly keys: LentKeys;
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<RewrappedRecords>[] = [];
  #ended = false;

  constructor(keks: ReadonlyMap<number, Uint8Array>, newTerm: number, told: (error: unknown) => void) {
    this.keys = lendKeys(keks);
    const file = new URL(`./rewrap-worker${extname(import.meta.filename)}`, import.meta.url);
    this.#worker = new Worker(file, { workerData: { keys: this.keys, newTerm } satisfies RewrapThreadData });
    this.#worker.on("message", ({ packed, workedMs }: RewrappedSlice) => {
      this.#asked.shift()?.resolve({ sealed: unpackBytes(packed), workedMs });
    });
    this.#worker.on("error", told);
    this.#worker.on("exit", () => this.end());
  }

  get ended(): boolean {
    return this.#ended;
  }

  rewrap(records: readonly SealedRecord[]): Promise<RewrappedRecords> {
    const answer = Promise.withResolvers<RewrappedRecords>();
    if (this.#ended) answer.reject(hasEnded());
    else {
      this.#asked.push(answer);
      const packed = packBytes(records.map(({ sealed }) => sealed));
      const places = JSON.stringify(records.map(placeOf));
      this.#worker.postMessage({ places, packed } satisfies AskedSlice, [packed.bytes.buffer]);
    }
    return answer.promise;
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    takeBackKeys(this.keys);
    this.#worker.postMessage(null);
    this.#worker.unref();
    for (const { reject } of this.#asked.splice(0)) reject(hasEnded());
  }
}

function placeOf({ type, id, field, version, term, origins }: RecordPlace): RecordPlace {
  return { type, id, field, version, term, origins };
}

function hasEnded(): Error {
  return new Error("the thread that re-wraps has ended");
}
