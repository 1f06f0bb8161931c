import type { Selectable } from "kysely";
import type { Db, Tables } from "../db/index.ts";

/** What is known of an API key. The key itself is a sealed record of the vault, or in the environment. */
export interface CredentialRecord {
  /** `cred_…`; `env:NAME` or `file:PROVIDER` for one that came with the start and is not stored. */
  readonly id: string;
  readonly providerId: string;
  readonly source: "stored" | "environment";
  readonly label: string;
  /** The share of requests among credentials of the same priority. */
  readonly weight: number;
  /** Higher goes first; lower ones are used when no higher one is usable. */
  readonly priority: number;
  readonly status: "active" | "disabled";
  readonly lastFour: string;
  /** Where the key may be sent. Fixed in the sealed record; repeated here to tell a key that would not open. */
  readonly origins: readonly string[];
  /** Milliseconds, as all times here. */
  readonly expiresAt: number | null;
  readonly testedAt: number | null;
  readonly testOk: boolean | null;
  readonly testError: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

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
    async update(record: CredentialRecord): Promise<void> {
      const { id, ...changes } = toRow(record);
      await table.updateTable("credentials").set(changes).where("id", "=", id).execute();
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
    origins: JSON.parse(row.origins) as string[], // written by `toRow` alone
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
    expires_at: record.expiresAt,
    tested_at: record.testedAt,
    test_ok: flag(record.testOk),
    test_error: record.testError,
    reference: null,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
  };
}

function flag(value: boolean | null): 0 | 1 | null {
  if (value === null) return null;
  return value ? 1 : 0;
}
