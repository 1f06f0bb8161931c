import { createHash } from "node:crypto";
import type { Clock } from "../kernel/clock.ts";
import { newId } from "../kernel/ids.ts";
import { withoutKeys } from "../kernel/key-shapes.ts";
import type { Db } from "../db/index.ts";

/** Who did what to which thing. `detail` is plain data without secrets; names as the admin API has them. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface AuditEvent {
  readonly seq: number;
  readonly id: string;
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly hash: string;
}

export interface AuditLog {
  /** Writes the event; the change it speaks of is made only after this has returned. */
  record(entry: AuditEntry): Promise<void>;
  /** Newest first, at most `limit`, older than `beforeSeq` if given. */
  list(limit: number, beforeSeq?: number): Promise<readonly AuditEvent[]>;
}

const genesis = "0".repeat(64);

/** Append-only rows, each hashing its predecessor. Writes go one after the other, so that the chain has no fork. */
export function createAuditLog(db: Db, clock: Clock): AuditLog {
  let last: Promise<unknown> = Promise.resolve();

  async function append(entry: AuditEntry): Promise<void> {
    await db.kysely.transaction().execute(async (transaction) => {
      const previous = await transaction
        .selectFrom("audit_events")
        .select(["seq", "hash"])
        .orderBy("seq", "desc")
        .limit(1)
        .executeTakeFirst();
      const event = {
        seq: (previous?.seq ?? 0) + 1,
        id: newId("aud", clock.now()),
        at: clock.now(),
        actor: entry.actor,
        action: entry.action,
        // An admin may give a key where an id or an address is asked for; the event stays for good.
        target: withoutKeys(entry.target),
        detail: withoutKeys(JSON.stringify(entry.detail ?? {})),
        previous_hash: previous?.hash ?? genesis,
      };
      await transaction
        .insertInto("audit_events")
        .values({ ...event, hash: hashEvent(event) })
        .execute();
    });
  }

  return {
    record(entry) {
      const turn = last.then(() => append(entry));
      last = turn.catch(() => undefined); // the failure is the caller's; the next entry does not inherit it
      return turn;
    },
    async list(limit, beforeSeq) {
      let query = db.kysely.selectFrom("audit_events").selectAll().orderBy("seq", "desc").limit(limit);
      if (beforeSeq !== undefined) query = query.where("seq", "<", beforeSeq);
      const rows = await query.execute();
      return rows.map(({ detail, previous_hash: _previous, ...row }) => ({ ...row, detail: parseDetail(detail) }));
    },
  };
}

/** SHA-256 over the event's fields, each preceded by its length in bytes, so that no two events read the same. */
function hashEvent(event: Readonly<Record<string, string | number>>): string {
  const hash = createHash("sha256");
  for (const field of ["previous_hash", "seq", "id", "at", "actor", "action", "target", "detail"]) {
    const value = Buffer.from(String(event[field]));
    hash.update(`${value.length}:`).update(value);
  }
  return hash.digest("hex");
}

function parseDetail(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
