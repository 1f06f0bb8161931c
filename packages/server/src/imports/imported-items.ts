import type { Db } from "../db/index.ts";

/** What was imported, by fingerprint: the `imported_items` table. */
export interface ImportedItems {
  /** The id of what the item with one of these became; `undefined` if it was never imported. */
  find(fingerprints: readonly string[]): Promise<string | undefined>;
  /** Keeps it, in the place of what was kept of the same item before. */
  keep(item: { readonly fingerprint: string; readonly kind: string; readonly target: string }): Promise<void>;
}

export function createImportedItems({ kysely }: Db, now: () => number): ImportedItems {
  return {
    async find(fingerprints) {
      const query = kysely.selectFrom("imported_items").select("target_id").where("fingerprint", "in", fingerprints);
      return (await query.executeTakeFirst())?.target_id;
    },
    async keep({ fingerprint, kind, target }) {
      const made = { target_id: target, imported_at: now() };
      await kysely
        .insertInto("imported_items")
        .values({ fingerprint, kind, ...made })
        .onConflict((conflict) => conflict.column("fingerprint").doUpdateSet(made))
        .execute();
    },
  };
}
