import { keySizeBytes, wipe } from "../key-material.ts";

/*
 * The KEKs of a rotation, in memory that two threads see. The thread that re-wraps borrows them; the main thread owns
 * them and takes them back whenever it likes, without asking:
 *
 *   word 0   1 once the keys are taken back, for good
 *   word 1   1 while the borrower has something in its memory that it has to wipe
 *   then     the KEKs, in the order of their terms
 *
 * Taking back sets word 0, overwrites the keys, and waits for word 1 to be 0. The borrower sets word 1 first and looks at
 * word 0 afterwards, before each record, so that one of the two always sees the other. What it made of keys that were
 * being overwritten it throws away.
 */

/** What the borrower is told. None of it is a copy of a key. */
export interface LentKeys {
  readonly memory: SharedArrayBuffer;
  readonly terms: readonly number[];
}

const words = { takenBack: 0, atWork: 1 } as const;
const wordsSizeBytes = Object.keys(words).length * Int32Array.BYTES_PER_ELEMENT;

/** One record takes some 30 µs; this is for a machine on which the other thread does not get its turn. */
const longestWaitMs = 100;

export function lendKeys(keks: ReadonlyMap<number, Uint8Array>): LentKeys {
  const memory = new SharedArrayBuffer(wordsSizeBytes + keks.size * keySizeBytes);
  const lent = { memory, terms: [...keks.keys()] };
  for (const [term, kek] of keks) kekOf(lent, term)?.set(kek);
  return lent;
}

/** Overwrites the keys at once; afterwards the borrower has none, and nothing that it got at with one. */
export function takeBackKeys({ memory }: LentKeys): void {
  const state = stateOf(memory);
  Atomics.store(state, words.takenBack, 1);
  wipe(new Uint8Array(memory, wordsSizeBytes));
  Atomics.wait(state, words.atWork, 1, longestWaitMs);
}

/** A view of the key, not a copy; `undefined` if no key of that term was lent. */
export function kekOf({ memory, terms }: LentKeys, term: number): Uint8Array | undefined {
  const index = terms.indexOf(term);
  if (index < 0) return undefined;
  return new Uint8Array(memory, wordsSizeBytes + index * keySizeBytes, keySizeBytes);
}

/** Calls `use` with one after the other for as long as the keys are lent; whether they were until the end. */
export function useLentKeys<Each>({ memory }: LentKeys, all: Iterable<Each>, use: (each: Each) => void): boolean {
  const state = stateOf(memory);
  Atomics.store(state, words.atWork, 1);
  try {
    for (const each of all) {
      if (Atomics.load(state, words.takenBack) === 1) return false;
      use(each);
    }
    return Atomics.load(state, words.takenBack) === 0;
  } finally {
    Atomics.store(state, words.atWork, 0);
    Atomics.notify(state, words.atWork);
  }
}

function stateOf(memory: SharedArrayBuffer): Int32Array {
  return new Int32Array(memory, 0, Object.keys(words).length);
}
