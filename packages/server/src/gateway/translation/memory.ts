import type { ThinkingPart } from "../../dialects/index.ts";
import type { Clock } from "../../kernel/clock.ts";

/*
 * What a caller's client does not carry from one request to the next, by key and by an id that it does carry. It is kept for as
 * long as a turn with tools may take, and is little and bounded: when there is too much, the oldest goes, as if it had never been
 * there. Nothing of it outlives the process, or the sealing of the vault.
 */
export interface CallerMemory<Value> {
  remember(keyId: string, id: string, value: Value): void;
  /** What this key was given. */
  of(keyId: string): ReadonlyMap<string, Value>;
  forgetAll(): void;
}

/** The thoughts before a call of a tool, with their states, by the call's id. */
export type ReasoningMemory = CallerMemory<readonly ThinkingPart[]>;
/** The items of a response, as JSON, by their ids. */
export type ItemMemory = CallerMemory<string>;

export function createReasoningMemory(clock: Pick<Clock, "monotonic">): ReasoningMemory {
  return createMemory(clock, lengthOf);
}

export function createItemMemory(clock: Pick<Clock, "monotonic">): ItemMemory {
  return createMemory(clock, (item) => leastLength + item.length);
}

const lifeMs = 3_600_000;
const mostPerKey = 200;
/** What is longer is not kept. */
export const mostCharactersPerValue = 64 * 1024;
/** One caller's calls never take the place of all the others'. */
const mostCharactersPerKey = 2 * 1024 * 1024;
const mostCharacters = 64 * 1024 * 1024;

const none: ReadonlyMap<string, never> = new Map<string, never>();

function createMemory<Value>(clock: Pick<Clock, "monotonic">, measure: (value: Value) => number): CallerMemory<Value> {
  /** The one that was given something longest ago is the first. */
  const byKey = new Map<string, Remembered<Value>>();
  let characters = 0;

  /** What is too old; and where there is too much, all of the keys that were given something longest ago. */
  function forgetOld(): void {
    const sinceMs = clock.monotonic() - lifeMs;
    for (const [keyId, known] of byKey) {
      const isCrowded = characters > mostCharacters;
      characters -= isCrowded ? known.forget(Number.POSITIVE_INFINITY) : known.forget(sinceMs);
      if (known.values.size === 0) byKey.delete(keyId);
      else if (!isCrowded) return; // the others were given something later
    }
  }

  return {
    remember(keyId, id, value) {
      if (measure(value) > mostCharactersPerValue) return;
      const known = byKey.get(keyId) ?? new Remembered(measure);
      characters += known.add(id, value, clock.monotonic());
      byKey.delete(keyId);
      byKey.set(keyId, known);
      forgetOld();
    },
    of(keyId) {
      forgetOld();
      const known = byKey.get(keyId);
      if (known === undefined) return none;
      characters -= known.forget(clock.monotonic() - lifeMs);
      return known.values;
    },
    forgetAll() {
      byKey.clear();
      characters = 0;
    },
  };
}

/** Of one key, what was given longest ago first. */
class Remembered<Value> {
  readonly values = new Map<string, Value>();
  readonly #measure: (value: Value) => number;
  readonly #givenMs = new Map<string, number>();
  #characters = 0;

  constructor(measure: (value: Value) => number) {
    this.#measure = measure;
  }

  /** Returns by how many characters it has grown. */
  add(id: string, value: Value, nowMs: number): number {
    const before = this.#characters;
    this.#remove(id);
    this.values.set(id, value);
    this.#givenMs.set(id, nowMs);
    this.#characters += this.#measure(value);
    for (const oldest of this.values.keys()) {
      if (this.values.size <= mostPerKey && this.#characters <= mostCharactersPerKey) break;
      this.#remove(oldest);
    }
    return this.#characters - before;
  }

  /** What was given up to then. Returns by how many characters it has shrunk. */
  forget(untilMs: number): number {
    const before = this.#characters;
    for (const [id, givenMs] of this.#givenMs) {
      if (givenMs > untilMs) break;
      this.#remove(id);
    }
    return before - this.#characters;
  }

  #remove(id: string): void {
    const value = this.values.get(id);
    if (value === undefined) return;
    this.#characters -= this.#measure(value);
    this.values.delete(id);
    this.#givenMs.delete(id);
  }
}

/** Even the smallest takes some room. */
const leastLength = 256;

function lengthOf(thoughts: readonly ThinkingPart[]): number {
  return thoughts.reduce((sum, { text, state }) => sum + text.length + (state?.data.length ?? 0), leastLength);
}
