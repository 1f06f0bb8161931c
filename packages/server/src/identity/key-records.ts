import type { Selectable } from "kysely";
import type { Db, Tables } from "../db/index.ts";
import type { KeyKind } from "./token.ts";

/** What is stored of a key. Times in milliseconds; `hmac` and `previousHmac` as `hashSecret` makes them. */
export interface KeyRecord {
  readonly id: string;
  readonly kind: KeyKind;
  readonly hmac: Uint8Array;
  /** Of the pepper that `hmac` was made with. */
  readonly pepperVersion: number;
  readonly lastFour: string;
  /** The secret before the last rotation, which still opens until `previousUntil`. */
  readonly previousHmac: Uint8Array | null;
  readonly previousPepperVersion: number;
  readonly previousUntil: number | null;
  readonly user: string | null;
  readonly team: string | null;
  readonly service: string | null;
  readonly description: string | null;
  /** Patterns of model names; `null` allows every model. */
  readonly models: readonly string[] | null;
  /** Addresses and CIDR ranges the key may be used from; `null` allows every address. */
  readonly allowIp: readonly string[] | null;
  /** Ids of the providers whose own addresses it may call; `null` for none. */
  readonly passthrough: readonly string[] | null;
  readonly expiresAt: number | null;
  readonly disabledAt: number | null;
  readonly createdAt: number;
  readonly createdBy: string;
}

/** The digest of a secret, and the version of the pepper it was made with. */
export interface Digest {
  readonly hmac: Uint8Array;
  readonly version: number;
}

const columns = {
  current: ["hmac", "pepper_version"],
  previous: ["previous_hmac", "previous_pepper_version"],
} as const;

/** The `keys` table. */
export function createKeyRecords(db: Db) {
  const table = db.kysely;
  return {
    async all(): Promise<KeyRecord[]> {
      const rows = await table.selectFrom("keys").selectAll().orderBy("created_at").execute();
      return rows.map(fromRow);
    },
    async insert(record: KeyRecord): Promise<void> {
      await table.insertInto("keys").values(toRow(record)).execute();
    },
    async update(record: KeyRecord): Promise<void> {
      const { id, ...changes } = toRow(record);
      await table.updateTable("keys").set(changes).where("id", "=", id).execute();
    },
    /**
     * Puts another digest of the same secret in the place of one, if that is still the one stored; whether it was. Nothing
     * else of the row is touched: it may have been changed elsewhere.
     */
    async rehash(id: string, which: "current" | "previous", from: Digest, to: Digest): Promise<boolean> {
      const [hmac, version] = columns[which];
      const values =
        which === "current"
          ? { hmac: bytes(to), pepper_version: to.version }
          : { previous_hmac: bytes(to), previous_pepper_version: to.version };
      const update = table.updateTable("keys").set(values).where("id", "=", id);
      const same = update.where(hmac, "=", bytes(from)).where(version, "=", from.version);
      return (await same.executeTakeFirstOrThrow()).numUpdatedRows === 1n;
    },
    /** The versions of the pepper that a secret which still opens something was hashed with. */
    async pepperVersions(nowMs: number): Promise<ReadonlySet<number>> {
      const current = await table.selectFrom("keys").select("pepper_version as version").distinct().execute();
      const overlap = table.selectFrom("keys").select("previous_pepper_version as version").distinct();
      const previous = await overlap
        .where("previous_hmac", "is not", null)
        .where("previous_until", ">", nowMs)
        .execute();
      return new Set([...current, ...previous].map(({ version }) => version));
    },
    async remove(id: string): Promise<void> {
      await table.deleteFrom("keys").where("id", "=", id).execute();
    },
  };
}

type Row = Selectable<Tables["keys"]>;

function fromRow(row: Row): KeyRecord {
  return {
    id: row.id,
    kind: row.kind === "admin" ? "admin" : "caller",
    hmac: row.hmac,
    pepperVersion: row.pepper_version,
    lastFour: row.last_four,
    previousHmac: row.previous_hmac,
    previousPepperVersion: row.previous_pepper_version,
    previousUntil: row.previous_until,
    user: row.user_name,
    team: row.team,
    service: row.service,
    description: row.description,
    models: parseList(row.models),
    allowIp: parseList(row.allow_ip),
    passthrough: parseList(row.passthrough),
    expiresAt: row.expires_at,
    disabledAt: row.disabled_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}

function toRow(record: KeyRecord): Row {
  return {
    id: record.id,
    kind: record.kind,
    hmac: Buffer.from(record.hmac),
    last_four: record.lastFour,
    pepper_version: record.pepperVersion,
    previous_pepper_version: record.previousPepperVersion,
    previous_hmac: record.previousHmac === null ? null : Buffer.from(record.previousHmac),
    previous_until: record.previousUntil,
    user_name: record.user,
    team: record.team,
    service: record.service,
    description: record.description,
    models: record.models === null ? null : JSON.stringify(record.models),
    allow_ip: record.allowIp === null ? null : JSON.stringify(record.allowIp),
    passthrough: record.passthrough === null ? null : JSON.stringify(record.passthrough),
    expires_at: record.expiresAt,
    disabled_at: record.disabledAt,
    created_at: record.createdAt,
    created_by: record.createdBy,
  };
}

function parseList(text: string | null): readonly string[] | null {
  if (text === null) return null;
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(String) : [];
}

function bytes({ hmac }: Digest): Buffer {
  return Buffer.from(hmac);
}
