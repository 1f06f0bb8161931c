import { AppError, asAppError, describe } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Reference } from "../kernel/reference.ts";
import type { Secret } from "../kernel/secret.ts";
import { usable, type Ages, type Entry } from "./entry.ts";
import { SourceProblem } from "./reader.ts";

export interface AttemptParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Those in force now. */
  readonly ages: () => Ages;
  readonly readNow: (reference: Reference) => Promise<Secret>;
}

/** Reads an entry's value from its source, one attempt at a time for each, and notes what came of it. */
export function createAttempts({ clock, log, ages, readNow }: AttemptParts): (entry: Entry) => Promise<Secret> {
  async function attempt(entry: Entry): Promise<Secret> {
    try {
      return succeeded(entry, await readNow(entry.reference));
    } catch (error) {
      const failure = failed(entry, error);
      const last = usable(entry, clock.monotonic(), ages());
      if (last === undefined) throw failure;
      return last;
    }
  }

  function succeeded(entry: Entry, found: Secret): Secret {
    if (entry.failure !== undefined) log.info({ reference: entry.reference.text }, "a source answers again");
    const value = entry.value?.holdsSameAs(found) === true ? entry.value : found;
    Object.assign(entry, { value, failure: undefined, readAt: clock.monotonic(), readAtWall: clock.now() });
    return value;
  }

  function failed(entry: Entry, error: unknown): AppError {
    const failure = failureOf(entry.reference, error);
    const first = entry.failure?.message !== failure.message;
    entry.failure = failure;
    entry.failedAt = clock.monotonic();
    if (isGone(error)) entry.value = undefined;
    if (first) tell(entry, error);
    return failure;
  }

  function tell(entry: Entry, error: unknown): void {
    const atHand = usable(entry, clock.monotonic(), ages()) !== undefined;
    const fields = { reference: entry.reference.text, problem: describe(error) };
    if (!atHand) return log.warn(fields, "a source failed, and there is no value to use");
    const ageSeconds = Math.round((clock.monotonic() - entry.readAt) / 1_000);
    log.warn({ ...fields, age_seconds: ageSeconds }, "a source failed; the last value goes on being used");
  }

  return (entry) => {
    entry.under ??= attempt(entry).finally(() => (entry.under = undefined));
    return entry.under;
  };
}

/** Whether the source answered, and there is nothing. */
function isGone(error: unknown): boolean {
  return error instanceof SourceProblem ? error.gone : asAppError(error).code === "external_not_found";
}

function failureOf({ text }: Reference, error: unknown): AppError {
  const told = error instanceof AppError || error instanceof SourceProblem;
  const problem = told ? error.message : "it failed in an unforeseen way; the operator's log has the cause";
  return new AppError("source_failed", { reference: text, problem }, { cause: error });
}
