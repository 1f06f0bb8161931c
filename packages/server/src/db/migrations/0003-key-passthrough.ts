import { columnAdder } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** The providers that a key may call by their own addresses. */
export const keyPassthrough: Migration = {
  number: 3,
  name: "key-passthrough",
  async up(transaction, { engine }) {
    await columnAdder(transaction, engine)("keys", "passthrough", "text?");
  },
};
