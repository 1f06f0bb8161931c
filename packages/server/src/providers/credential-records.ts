import type { Selectable } from "kysely";
import type { Db, Tables } from "../db/index.ts";

/** What is known of an API key. The key itself is a sealed record of the vault, or lies elsewhere. */
export interface CredentialRecord {
  /** `cred_…`; `env:NAME`, `file:PROVIDER` or `source:PROVIDER` for one that the configuration brings. */
  readonly id: string;
  readonly providerId: string;
  readonly source: "stored" | "environment";
  readonly label: string;
  /** The share of requests among credentials of the same priority. */
  readonly weight: number;
  /** Lower goes first; higher ones are used when no lower one is usable. */
  readonly priority: number;
  /**
   * What was last decided of it. `failing`: several scheduled tests in a row failed, so it is used last. `rolled_back`:
   * the provider refused the key of the last rotation, and the one before is in force again.
   */
  readonly status: "active" | "disabled" | "failing" | "rolled_back";
  /** Of the key; empty where only a reference to it is kept. */
  readonly lastFour: string;
  /** Where the key may be sent. Fixed in the sealed record; repeated here to tell a key that would not open. */
  readonly origins: readonly string[];
  /** Where the key is read from; null for a key that is sealed itself. For people: the one that counts is sealed. */
  readonly reference: string | null;
  /** Milliseconds, as all times here. */
  readonly expiresAt: number | null;
  readonly testedAt: number | null;
  readonly testOk: boolean | null;
  readonly testError: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What may be written anew of one that is there. */
export type CredentialChange = Partial<Omit<CredentialRecord, "id" | "providerId" | "source" | "createdAt">>;

export type CredentialRecords = ReturnType<typeof createCredentialRecords>;

/** The `credentials` table. */
export function createCredentialRecords(db: Db) {
  const table = db.kysely;
  return {
    /** By provider, then the oldest first. */
    all: async (): Promise<readonly CredentialRecord[]> => {
      const query = table.selectFrom("credentials").selectAll();
      const rows = await query.orderBy("provider_id").orderBy("created_at").orderBy("id").execute();
      return rows.map(fromRow);
    },
    async insert(record: CredentialRecord): Promise<void> {
      await table.insertInto("credentials").values(toRow(record)).execute();
    },
    /** Writes what is given and nothing else, so that two changes at once do not undo each other. */
    async change(id: string, changes: CredentialChange): Promise<void> {
      await table.updateTable("credentials").set(toColumns(changes)).where("id", "=", id).execute();
    },
    async remove(id: string): Promise<void> {
      await table.deleteFrom("credentials").where("id", "=", id).execute();
    },
  };
}

type Row = Selectable<Tables["credentials"]>;

function fromRow(row: Row): CredentialRecord {
  return {
    id: row.id,
    providerId: row.provider_id,
    source: "stored",
    label: row.label,
    weight: row.weight,
    priority: row.priority,
    status: row.status,
    lastFour: row.last_four,
    origins: parseOrigins(row.origins),
    reference: row.reference,
    expiresAt: row.expires_at,
    testedAt: row.tested_at,
    testOk: row.test_ok === null ? null : row.test_ok === 1,
    testError: row.test_error,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(record: CredentialRecord): Row {
  return {
    id: record.id,
    provider_id: record.providerId,
    label: record.label,
    weight: record.weight,
    priority: record.priority,
    status: record.status,
    last_four: record.lastFour,
    origins: JSON.stringify(record.origins),
    reference: record.reference,
    expires_at: record.expiresAt,
    tested_at: record.testedAt,
    test_ok: flag(record.testOk),
    test_error: record.testError,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
  };
}

function toColumns(changes: CredentialChange): Partial<Row> {
  const { lastFour, origins, expiresAt, testedAt, testOk, testError, updatedAt, ...same } = changes;
  return {
    ...same,
    ...(lastFour !== undefined && { last_four: lastFour }),
    ...(origins !== undefined && { origins: JSON.stringify(origins) }),
    ...(expiresAt !== undefined && { expires_at: expiresAt }),
    ...(testedAt !== undefined && { tested_at: testedAt }),
    ...(testOk !== undefined && { test_ok: flag(testOk) }),
    ...(testError !== undefined && { test_error: testError }),
    ...(updatedAt !== undefined && { updated_at: updatedAt }),
  };
}

/** A row that somebody spoilt has no origins, so its key is not used; the others are. */
function parseOrigins(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : [];
  } catch {
    return [];
  }
}

function flag(value: boolean | null): 0 | 1 | null {
  if (value === null) return null;
  return value ? 1 : 0;
}
