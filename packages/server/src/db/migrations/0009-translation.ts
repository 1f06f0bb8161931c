import { columnAdder } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** What became of a request on its way into another dialect. Of the requests that are there nothing is known of that. */
export const translation: Migration = {
  number: 9,
  name: "translation",
  async up(transaction, { engine }) {
    const add = columnAdder(transaction, engine);
    await add("requests", "upstream_dialect", "text?");
    await add("requests", "dropped", "text?");
  },
};
