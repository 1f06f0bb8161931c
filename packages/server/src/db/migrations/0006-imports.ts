import { tableCreator } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** What was imported, so that nothing is imported twice. */
export const imports: Migration = {
  number: 6,
  name: "imports",
  async up(transaction, { engine }) {
    const imported = { fingerprint: "text", kind: "text", target_id: "text", imported_at: "int64" } as const;
    await tableCreator(transaction, engine)("imported_items", imported, { primaryKey: ["fingerprint"] });
  },
};
