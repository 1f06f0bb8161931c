import { sql } from "kysely";
import type { Migration } from "./migration.ts";

/** Which records are under an earlier term is asked again and again while they are re-wrapped. */
export const recordsByTerm: Migration = {
  number: 7,
  name: "records-by-term",
  async up(transaction) {
    await sql`create index sealed_records_by_term on sealed_records (kek_term)`.execute(transaction);
  },
};
