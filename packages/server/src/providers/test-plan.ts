import type { CredentialRecord } from "./credential-records.ts";

export type TestPlan = ReturnType<typeof createTestPlan>;

/** So many scheduled tests in a row have to fail before anything is concluded. */
const mostFailures = 3;
/** After a failure the next test comes sooner, so that a bad key is known within the hour. */
const repeatMs = 15 * 60_000;
/** A key that is known to fail is asked for rarely again: a vendor may take many refused calls for an attack. */
const failingMs = 3_600_000;
/** A gateway that was just started has other things to do, and many credentials may be overdue by then. */
const warmUpMs = 10 * 60_000;
const warmUpSpanMs = 50 * 60_000;

/**
 * When each key is tested next: an interval after its last test, a tenth sooner or later by its id, so that keys that
 * were added together are not tested together. What was due while no gateway ran is spread over the first hour.
 */
export function createTestPlan(startedAt: number) {
  const failed = new Map<string, { readonly count: number; readonly nextAt: number }>();

  function dueAt({ id, testedAt, createdAt }: CredentialRecord, everyMs: number): number {
    const retry = failed.get(id);
    if (retry !== undefined) return retry.nextAt;
    const share = shareOf(id);
    const regular = (testedAt ?? createdAt) + everyMs * (0.9 + share / 5);
    const warm = startedAt + Math.min(everyMs, warmUpMs) + share * Math.min(everyMs, warmUpSpanMs);
    return Math.max(regular, warm);
  }

  return {
    mostFailures,

    /** Those whose time has come, the longest overdue first. */
    due: (records: readonly CredentialRecord[], now: number, everyMs: number): readonly CredentialRecord[] =>
      records
        .map((record) => ({ record, at: dueAt(record, everyMs) }))
        .filter(({ at }) => at <= now)
        .toSorted((one, other) => one.at - other.at)
        .map(({ record }) => record),

    /** Keeps how a scheduled test ended; how many have failed in a row. */
    note(id: string, ok: boolean, now: number, everyMs: number): number {
      if (ok) {
        failed.delete(id);
        return 0;
      }
      const count = (failed.get(id)?.count ?? 0) + 1;
      failed.set(id, { count, nextAt: now + Math.min(everyMs, count < mostFailures ? repeatMs : failingMs) });
      return count;
    },
  };
}

/** From 0 up to 1, the same for an id at each start. */
function shareOf(id: string): number {
  let value = 0x811c9dc5; // FNV-1a, 32 bits
  for (let index = 0; index < id.length; index++) value = Math.imul(value ^ id.charCodeAt(index), 0x01000193) >>> 0;
  return value / 2 ** 32;
}
