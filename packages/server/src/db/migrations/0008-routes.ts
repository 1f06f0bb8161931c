import { tableCreator } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** Names that callers may ask for in place of a model, and where they lead. */
export const routes: Migration = {
  number: 8,
  name: "routes",
  async up(transaction, { engine }) {
    const route = {
      name: "text",
      targets: "text?",
      tiers: "text?",
      lossy: "text?",
      display_name: "text?",
      created_at: "int64",
      updated_at: "int64",
    } as const;
    await tableCreator(transaction, engine)("routes", route, { primaryKey: ["name"] });
  },
};
