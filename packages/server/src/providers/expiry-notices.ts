import { isoTime } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { CredentialRecord } from "./credential-records.ts";

const dayMs = 24 * 3_600_000;
const noticeDays = [1, 3, 14] as const;

/** Tells the log of keys that are about to expire: once each 14, 3 and 1 days before, and once when it has happened. */
export function createExpiryNotices(log: Log) {
  const told = new Map<string, string>();
  return {
    tell(records: readonly CredentialRecord[], now: number): void {
      for (const { id, providerId, label, expiresAt } of records) {
        const stage = expiresAt === null ? undefined : stageOf(expiresAt - now);
        if (expiresAt === null || stage === undefined) continue;
        const notice = `${expiresAt} ${stage}`;
        if (told.get(id) === notice) continue;
        told.set(id, notice);
        const fields = { credential: id, provider: providerId, label, expires_at: isoTime(expiresAt) };
        if (stage === 0) log.warn(fields, "an API key has expired and is not used any more");
        else log.warn(fields, `an API key expires within ${stage === 1 ? "a day" : `${stage} days`}; rotate it`);
      }
    },
  };
}

/** The nearest notice whose time has come, in days; 0 once it is over; `undefined` long before. */
function stageOf(leftMs: number): number | undefined {
  return leftMs <= 0 ? 0 : noticeDays.find((days) => leftMs <= days * dayMs);
}
