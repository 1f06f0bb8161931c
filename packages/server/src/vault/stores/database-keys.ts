import type { Kysely, Transaction } from "kysely";
import { AppError } from "../../kernel/errors.ts";
import { isUniqueViolation, type Db, type Tables } from "../../db/index.ts";
import { covers, Malformed, rootFromJson, rootToJson, usableKeys, type AnySlot, type RootImage } from "./key-json.ts";
import type { KeyImage, MovableStore } from "./movable.ts";
import { changing, demandEpoch, readState, removeState, writePlace, writeState } from "./vault-state.ts";

type InForce = Pick<
  MovableStore,
  | "loadKeys"
  | "readKeys"
  | "createFirst"
  | "addSlot"
  | "removeSlot"
  | "addTerm"
  | "removeUnusedTerms"
  | "addNamedKey"
  | "removeNamedKey"
>;
type Following = Pick<MovableStore, "stageRoot" | "confirmRoot" | "cancelRoot">;

export function createDatabaseKeys(db: Db): InForce & Following {
  return { ...inForce(db), ...following(db) };
}

function inForce(db: Db): InForce {
  return {
    async loadKeys() {
      const { epoch, staged, ...root } = await readKeys(db);
      return { ...usableKeys(root), epoch, staged: staged && usableKeys(staged) };
    },

    readKeys: () => readKeys(db),

    createFirst(slot, { term, wrapped }) {
      return changing(db, "keys", async (transaction) => {
        if (await isOccupied(transaction)) return false;
        await transaction.insertInto("vault_terms").values({ term, wrapped, created_at: slot.createdAt }).execute();
        await insertSlots(transaction, [slot]);
        await writePlace(transaction, { kind: "database" });
        return true;
      });
    },

    addSlot(slot, epoch) {
      return changing(db, "keys", async (transaction, state) => {
        demandEpoch(state, epoch);
        await insertSlots(transaction, [slot]);
      });
    },

    removeSlot(id) {
      return changing(db, "keys", async (transaction) => {
        const slots = await transaction.selectFrom("vault_slots").select("id").execute();
        if (!slots.some((slot) => slot.id === id)) throw new AppError("not_found", { what: "unlock slot", id });
        if (slots.length === 1) throw new AppError("vault_last_slot");
        await transaction.deleteFrom("vault_slots").where("id", "=", id).execute();
      });
    },

    async addTerm({ term, wrapped }, epoch, nowMs) {
      const adding = changing(db, "keys", async (transaction, state) => {
        demandEpoch(state, epoch);
        await transaction.insertInto("vault_terms").values({ term, wrapped, created_at: nowMs }).execute();
      });
      await conflictIfThere(adding, "key term");
    },

    removeUnusedTerms(newest) {
      return changing(db, "keys", async (transaction) => {
        const used = transaction.selectFrom("sealed_records").select("kek_term");
        const unused = transaction.deleteFrom("vault_terms").where("term", "<", newest).where("term", "not in", used);
        return (await unused.returning("term").execute()).map(({ term }) => term).toSorted((one, other) => one - other);
      });
    },

    async addNamedKey({ purpose, version, wrapped, createdAt }, epoch) {
      const adding = changing(db, "keys", async (transaction, state) => {
        demandEpoch(state, epoch);
        const row = { purpose, version, wrapped, created_at: createdAt };
        await transaction.insertInto("vault_named_keys").values(row).execute();
      });
      await conflictIfThere(adding, "key");
    },

    removeNamedKey(purpose, version) {
      return changing(db, "keys", async (transaction) => {
        const query = transaction.deleteFrom("vault_named_keys").where("purpose", "=", purpose);
        await query.where("version", "=", version).execute();
      });
    },
  };
}

function following(db: Db): Following {
  return {
    stageRoot(staged, epoch) {
      return changing(db, "keys", async (transaction, state) => {
        demandEpoch(state, epoch);
        await writeState(transaction, "staged_root", JSON.stringify(rootToJson(staged)));
      });
    },

    confirmRoot(epoch) {
      return changing(db, "keys", async (transaction, state) => {
        demandEpoch(state, epoch);
        const staged = await readStaged(transaction);
        if (staged === undefined || !covers(staged, await readRoot(transaction))) {
          throw new AppError("store_conflict", { what: "staged root key" });
        }
        await replaceRoot(transaction, staged);
        await removeState(transaction, "staged_root");
        await writeState(transaction, "epoch", String(epoch + 1));
      });
    },

    cancelRoot: () => changing(db, "keys", (transaction) => removeState(transaction, "staged_root")),
  };
}

/** Everything at one moment: a root key that is confirmed in between must not be mixed with what the old one wraps. */
async function readKeys(db: Db): Promise<KeyImage> {
  const snapshot = db.kysely.transaction().setIsolationLevel("repeatable read").setAccessMode("read only");
  return snapshot.execute(async (transaction) => {
    const { epoch } = await readState(transaction);
    return { ...(await readRoot(transaction)), epoch, staged: await readStaged(transaction) };
  });
}

async function readRoot(kysely: Kysely<Tables>): Promise<Pick<KeyImage, "slots" | "terms" | "keys">> {
  const slots = await kysely.selectFrom("vault_slots").selectAll().orderBy("created_at").orderBy("id").execute();
  const terms = await kysely.selectFrom("vault_terms").selectAll().orderBy("term").execute();
  const keys = await kysely.selectFrom("vault_named_keys").selectAll().orderBy("purpose").orderBy("version").execute();
  return {
    slots: slots.map(({ created_at, ...slot }) => ({ ...slot, createdAt: created_at })),
    terms: terms.map(({ created_at, ...term }) => ({ ...term, createdAt: created_at })),
    keys: keys.map(({ created_at, ...key }) => ({ ...key, createdAt: created_at })),
  };
}

/** One that cannot be read counts as none: it can be given up or staged anew, and what is in force is not touched. */
async function readStaged(kysely: Kysely<Tables>): Promise<RootImage | undefined> {
  const query = kysely.selectFrom("vault_state").select("value").where("name", "=", "staged_root");
  const row = await query.executeTakeFirst();
  if (row === undefined) return undefined;
  try {
    return rootFromJson(JSON.parse(row.value), "staged_root");
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function replaceRoot(transaction: Transaction<Tables>, { slots, terms, keys }: RootImage): Promise<void> {
  await transaction.deleteFrom("vault_slots").execute();
  await insertSlots(transaction, slots);
  for (const { term, wrapped } of terms) {
    await transaction.updateTable("vault_terms").set({ wrapped }).where("term", "=", term).execute();
  }
  for (const { purpose, version, wrapped } of keys) {
    const update = transaction.updateTable("vault_named_keys").set({ wrapped }).where("purpose", "=", purpose);
    await update.where("version", "=", version).execute();
  }
}

export async function isOccupied(kysely: Kysely<Tables>): Promise<boolean> {
  const slots = await kysely.selectFrom("vault_slots").select("id").limit(1).execute();
  const terms = await kysely.selectFrom("vault_terms").select("term").limit(1).execute();
  const records = await kysely.selectFrom("sealed_records").select("id").limit(1).execute();
  return slots.length + terms.length + records.length > 0;
}

export async function insertSlots(kysely: Kysely<Tables>, slots: readonly AnySlot[]): Promise<void> {
  for (const { id, kind, label, params, wrapped, createdAt } of slots) {
    await kysely
      .insertInto("vault_slots")
      .values({ id, kind, label, params, wrapped, created_at: createdAt })
      .execute();
  }
}

async function conflictIfThere(adding: Promise<void>, what: string): Promise<void> {
  try {
    await adding;
  } catch (error) {
    if (isUniqueViolation(error)) throw new AppError("store_conflict", { what }, { cause: error });
    throw error;
  }
}
