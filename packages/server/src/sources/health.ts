import { referenceKinds } from "../kernel/reference.ts";
import { usable, type Ages, type Entry } from "./entry.ts";

/** What is known of one reference, without its value. */
export interface ReferenceState {
  readonly reference: string;
  readonly kind: string;
  /** Whether the last attempt to read it succeeded; `undefined` if none was made since the start. */
  readonly ok: boolean | undefined;
  /** When the value at hand was read, in milliseconds. */
  readonly lastOkAt: number | undefined;
  readonly ageMs: number | undefined;
  /** Whether there is a value that may be used. */
  readonly atHand: boolean;
  readonly problem: string | undefined;
}

/** The state of all references of one kind that are in use. */
export interface SourceHealth {
  readonly kind: string;
  /** Whether every last attempt succeeded. */
  readonly ok: boolean;
  readonly lastOkAt: number | undefined;
  /** The age of the oldest value at hand. */
  readonly ageMs: number | undefined;
  /** Of one of those that fail. */
  readonly problem: string | undefined;
  /** Values at hand. */
  readonly cached: number;
}

export function stateOf(entry: Entry, now: number, ages: Ages): ReferenceState {
  const { reference, failure, readAtWall, readAt } = entry;
  return {
    reference: reference.text,
    kind: reference.kind,
    ok: failure !== undefined ? false : readAtWall === undefined ? undefined : true,
    lastOkAt: readAtWall,
    ageMs: readAtWall === undefined ? undefined : Math.round(now - readAt),
    atHand: usable(entry, now, ages) !== undefined,
    problem: failure?.message,
  };
}

export function healthOf(states: readonly ReferenceState[]): readonly SourceHealth[] {
  return referenceKinds.flatMap((kind) => {
    const own = states.filter((state) => state.kind === kind);
    if (own.length === 0) return [];
    const atHand = own.filter((state) => state.atHand);
    return {
      kind,
      ok: own.every((state) => state.ok !== false),
      lastOkAt: greatest(own.map((state) => state.lastOkAt)),
      ageMs: greatest(atHand.map((state) => state.ageMs)),
      problem: own.find((state) => state.problem !== undefined)?.problem,
      cached: atHand.length,
    };
  });
}

function greatest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
