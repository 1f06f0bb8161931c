import type { Selectable } from "kysely";
import { AppError } from "../kernel/errors.ts";
import type { Db, VaultSlotsTable } from "../db/index.ts";
import type { WrappedTerm } from "./keyring.ts";
import type { SlotKind, WrappedKey } from "./unlockers/index.ts";

/** A slot as the database has it. */
export interface StoredSlot extends WrappedKey {
  readonly label: string;
  readonly createdAt: number;
}

/** Everything that opening a vault needs. */
export interface StoredKeys {
  readonly slots: readonly StoredSlot[];
  readonly terms: readonly WrappedTerm[];
}

/** Keeps wrapped keys; sees no key. */
export interface SlotStore {
  load(): Promise<StoredKeys>;
  /**
   * Stores the first slot and the first term together, if the database holds no slot, no term and no sealed record at
   * all; else nothing, and `false`. Of any number of instances that try at once, one succeeds.
   */
  createFirst(slot: StoredSlot, term: WrappedTerm): Promise<boolean>;
  add(slot: StoredSlot): Promise<void>;
  /** Throws `not_found`, or `vault_last_slot`: one slot always stays, also when two are removed at once. */
  remove(id: string): Promise<void>;
}

export function createSlotStore({ kysely }: Db): SlotStore {
  return {
    async load() {
      const slots = await kysely.selectFrom("vault_slots").selectAll().orderBy("created_at").orderBy("id").execute();
      const terms = await kysely.selectFrom("vault_terms").select(["term", "wrapped"]).orderBy("term").execute();
      return { slots: slots.flatMap(parseSlot), terms };
    },

    async createFirst(slot, { term, wrapped }) {
      return kysely.transaction().execute(async (transaction) => {
        const slots = await transaction.selectFrom("vault_slots").select("id").limit(1).execute();
        const terms = await transaction.selectFrom("vault_terms").select("term").limit(1).execute();
        const records = await transaction.selectFrom("sealed_records").select("id").limit(1).execute();
        if (slots.length + terms.length + records.length > 0) return false;
        // The number of the term is what two instances collide on: the loser waits here until the winner has finished.
        const insert = transaction.insertInto("vault_terms").values({ term, wrapped, created_at: slot.createdAt });
        const { numInsertedOrUpdatedRows } = await insert
          .onConflict((row) => row.doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows !== 1n) return false;
        await transaction.insertInto("vault_slots").values(slotRow(slot)).execute();
        return true;
      });
    },

    async add(slot) {
      await kysely.insertInto("vault_slots").values(slotRow(slot)).execute();
    },

    async remove(id) {
      await kysely.transaction().execute(async (transaction) => {
        // Writes every slot to itself, which locks them all: two removals that pass each other could leave none.
        await transaction
          .updateTable("vault_slots")
          .set((row) => ({ label: row.ref("label") }))
          .execute();
        const slots = await transaction.selectFrom("vault_slots").select("id").execute();
        if (!slots.some((slot) => slot.id === id)) throw new AppError("not_found", { what: "unlock slot", id });
        if (slots.length === 1) throw new AppError("vault_last_slot");
        await transaction.deleteFrom("vault_slots").where("id", "=", id).execute();
      });
    },
  };
}

function slotRow({ id, kind, label, params, wrapped, createdAt }: StoredSlot): Selectable<VaultSlotsTable> {
  return { id, kind, label, params, wrapped, created_at: createdAt };
}

/** None for a slot of a kind that this version does not know: it opens nothing here, and stays. */
function parseSlot({ id, kind, label, params, wrapped, created_at }: Selectable<VaultSlotsTable>): StoredSlot[] {
  return isSlotKind(kind) ? [{ id, kind, label, params, wrapped, createdAt: created_at }] : [];
}

const kinds: readonly string[] = ["key-file", "passphrase", "environment"] satisfies readonly SlotKind[];

function isSlotKind(kind: string): kind is SlotKind {
  return kinds.includes(kind);
}
