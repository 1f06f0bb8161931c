import type { Transaction } from "kysely";
import type { Engine } from "../connect.ts";

/**
 * One step of the schema. Steps are numbered without gaps from 1, run in order and each at most once per database, inside
 * a transaction that also records it. Once released a step never changes: a mistake in it is mended by a later one.
 *
 * On PostgreSQL a single statement may take 30 s at most; a step that touches many rows does it in several.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  up(transaction: Transaction<never>, context: MigrationContext): Promise<void>;
}

export interface MigrationContext {
  readonly engine: Engine;
  readonly nowMs: number;
}
