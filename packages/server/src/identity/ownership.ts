import { createHash, randomBytes } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import type { Clock } from "../kernel/clock.ts";
import { base32, newId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import { isUniqueViolation, type Db } from "../db/index.ts";
import { sameDigest } from "./token.ts";

export interface Owner {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
}

/**
 * Who owns this instance. It starts unclaimed, with one setup code that is shown on the terminal of `serve`
 * and stored as a hash; claiming consumes the code and makes the owner, in one transaction, once.
 */
export interface Ownership {
  owner(): Promise<Owner | undefined>;
  /** A fresh code for an unclaimed instance (earlier ones stop working), `undefined` for a claimed one. */
  newSetupCode(): Promise<Secret | undefined>;
  /** Throws `setup_code_invalid`, `already_claimed`. `code` is `undefined` when an admin of this machine claims. */
  claim(name: string, code: Secret | undefined): Promise<Owner>;
}

const wrongCodesAllowed = 10;

/** There is one owner, so the row has a fixed id: of two that claim at the same instant, the database takes one. */
const ownerId = "usr_owner";

export function createOwnership(db: Db, clock: Clock): Ownership {
  let wrongCodes = 0;

  async function owner(): Promise<Owner | undefined> {
    const row = await db.kysely.selectFrom("users").selectAll().where("role", "=", "owner").executeTakeFirst();
    return row === undefined ? undefined : { id: row.id, name: row.name, createdAt: row.created_at };
  }

  return {
    owner,

    async newSetupCode() {
      if ((await owner()) !== undefined) return undefined;
      const raw = base32(randomBytes(10));
      const code = `${raw.slice(0, 4)}-${raw.slice(4, 8)}-${raw.slice(8, 12)}-${raw.slice(12)}`;
      await db.kysely.deleteFrom("setup_codes").execute();
      await db.kysely
        .insertInto("setup_codes")
        .values({ id: newId("set", clock.now()), hash: hashCode(code), created_at: clock.now(), claimed_at: null })
        .execute();
      wrongCodes = 0;
      return new Secret(code);
    },

    async claim(name, code) {
      if (code !== undefined && wrongCodes >= wrongCodesAllowed) throw new AppError("setup_code_invalid");
      const claimed = db.kysely.transaction().execute(async (transaction) => {
        const existing = await transaction
          .selectFrom("users")
          .select("id")
          .where("role", "=", "owner")
          .executeTakeFirst();
        if (existing !== undefined) throw new AppError("already_claimed");
        if (code !== undefined) {
          const open = await transaction
            .selectFrom("setup_codes")
            .selectAll()
            .where("claimed_at", "is", null)
            .execute();
          const hash = hashCode(code.reveal());
          if (!open.some((row) => sameDigest(row.hash, hash))) {
            wrongCodes += 1;
            throw new AppError("setup_code_invalid");
          }
        }
        const created: Owner = { id: ownerId, name, createdAt: clock.now() };
        await transaction
          .insertInto("users")
          .values({ id: created.id, name, role: "owner", created_at: created.createdAt })
          .execute();
        await transaction
          .updateTable("setup_codes")
          .set({ claimed_at: clock.now() })
          .where("claimed_at", "is", null)
          .execute();
        return created;
      });
      return claimed.catch((error: unknown) => {
        throw isUniqueViolation(error) ? new AppError("already_claimed", {}, { cause: error }) : error;
      });
    },
  };
}

/** The code is 80 random bits, so a plain hash is enough; dashes and case are as people type them. */
function hashCode(code: string): Buffer {
  return createHash("sha256")
    .update(code.toLowerCase().replaceAll(/[^0-9a-z]/g, ""))
    .digest();
}
