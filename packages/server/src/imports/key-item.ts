import { isoTime } from "../kernel/clock.ts";
import type { KeyRecord } from "../identity/index.ts";
import type { KeyItem } from "./item.ts";
import { Refused, type Plan } from "./plan.ts";
import type { Run } from "./run.ts";

/**
 * The secret of a caller's key is made here and shown once, so a key that was made must be found again even if nobody
 * got to know of it: it carries its fingerprint in `createdBy`, from its first instant on.
 */
export function planKey(item: KeyItem, fingerprints: readonly [string, ...string[]], run: Run): Plan {
  const { keys, clock, actor } = run;
  if (item.expiresAt !== undefined && item.expiresAt <= clock.now()) {
    throw new Refused("skipped", `it expired on ${isoTime(item.expiresAt)}`);
  }
  const marks = fingerprints.map((fingerprint) => ` import:${fingerprint.slice(0, 24)}`);
  const disable = async ({ id, disabledAt }: KeyRecord): Promise<void> => {
    if (item.disabled && disabledAt === null) await keys.disable(id);
  };
  const made = keys.list().find(({ createdBy }) => marks.some((mark) => createdBy.endsWith(mark)));
  if (made !== undefined) {
    const reason = `an earlier run made it and showed it; if that got lost: \`portcullis keys rotate ${made.id}\``;
    return { present: made.id, reason, finish: () => disable(made) };
  }
  return {
    apply: async () => {
      const { user, team, service, description, models, allowIp, expiresAt } = item;
      const given = { user, team, service, description, models, allowIp, expiresAt };
      const { record, text } = await keys.create({ kind: "caller", ...given }, actor + (marks[0] ?? ""));
      await disable(record);
      return { target: record.id, key: text };
    },
    ...(item.disabled ? { reason: "disabled, as it was" } : {}),
  };
}
