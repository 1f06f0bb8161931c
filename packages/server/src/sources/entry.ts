import type { AppError } from "../kernel/errors.ts";
import type { Reference } from "../kernel/reference.ts";
import type { Secret } from "../kernel/secret.ts";

/** What is held of one reference. Times are of the monotonic clock but for `readAtWall`. */
export interface Entry {
  readonly reference: Reference;
  value: Secret | undefined;
  /** When a value was last read. */
  readAt: number;
  readAtWall: number | undefined;
  usedAt: number;
  /** Why the last attempt failed; `undefined` if it did not. */
  failure: AppError | undefined;
  failedAt: number;
  /** The attempt that is being made. */
  under: Promise<Secret> | undefined;
}

export function createEntry(reference: Reference, now: number): Entry {
  const never = Number.NEGATIVE_INFINITY;
  return {
    reference,
    value: undefined,
    readAt: never,
    readAtWall: undefined,
    usedAt: now,
    failure: undefined,
    failedAt: never,
    under: undefined,
  };
}

export interface Ages {
  /** How long a value is used. */
  readonly cacheMs: number;
  /** How long, from when it was read, it is used while its source fails. */
  readonly keepMs: number;
}

/** A source that failed is left alone for this long. */
const retryMs = 5_000;

/** The value, if it may be used now. */
export function usable({ value, readAt, failure }: Entry, now: number, { cacheMs, keepMs }: Ages): Secret | undefined {
  const age = now - readAt;
  return age < cacheMs || (failure !== undefined && age < keepMs) ? value : undefined;
}

/** Whether to read it now: in the last fifth of its time in the cache and after that; after a failure, a while later. */
export function due({ readAt, failure, failedAt }: Entry, now: number, { cacheMs }: Ages): boolean {
  return failure === undefined ? now - readAt >= cacheMs * 0.8 : now - failedAt >= retryMs;
}
