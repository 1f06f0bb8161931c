import { columnAdder } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** Credentials whose key lies elsewhere. */
export const credentialSources: Migration = {
  number: 5,
  name: "credential-sources",
  async up(transaction, { engine }) {
    await columnAdder(transaction, engine)("credentials", "reference", "text?");
  },
};
