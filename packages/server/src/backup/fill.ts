import type { Transaction } from "kysely";
import { AppError } from "../kernel/errors.ts";
import {
  emptyTables,
  migrateWithin,
  rowInserter,
  tableShapes,
  type Db,
  type InsertRows,
  type TableShape,
  type Tables,
  type Value,
} from "../db/index.ts";
import {
  createIncomingVault,
  vaultTables,
  type IncomingReport,
  type IncomingVault,
  type OpeningOptions,
} from "../vault/index.ts";
import type { Header } from "./format.ts";
import { unreadable, type BackupPart } from "./reader.ts";

/*
 * Fills an empty database from a backup, in one transaction: the schema as it was, the rows, a slot for this machine, and
 * then the migrations that came since. Whatever is wrong with the backup, also at its very end, undoes all of it.
 *
 * The backup's names of tables and columns are compared with those of the schema and go nowhere else.
 */

export interface FillOptions {
  /** The backup's name, for messages. */
  readonly file: string;
  /** How this machine opens the vault, which gets a slot for that; none in a rehearsal. */
  readonly opening: OpeningOptions | undefined;
  readonly nowMs: number;
}

export interface Filled {
  readonly header: Header;
  readonly rows: Readonly<Record<string, number>>;
  readonly vault: IncomingReport;
  readonly newSlot: string | undefined;
}

export async function fillDatabase(db: Db, parts: AsyncIterable<BackupPart>, options: FillOptions): Promise<Filled> {
  return db.kysely.transaction().execute(async (transaction) => {
    const filling = new Filling(db, transaction, options);
    try {
      for await (const part of parts) await filling.take(part);
      return await filling.finish();
    } finally {
      filling.wipe();
    }
  });
}

/** Rows wait until there are so many. */
const batchRows = 64;

class Filling {
  readonly #db: Db;
  readonly #transaction: Transaction<Tables>;
  readonly #options: FillOptions;
  readonly #rows: Record<string, number> = {};
  #header: Header | undefined;
  #shapes: ReadonlyMap<string, TableShape> = new Map();
  #vault: IncomingVault | undefined;
  #table: OpenTable | undefined;

  constructor(db: Db, transaction: Transaction<Tables>, options: FillOptions) {
    this.#db = db;
    this.#transaction = transaction;
    this.#options = options;
  }

  async take(part: BackupPart): Promise<void> {
    switch (part.kind) {
      case "header":
        return this.#makeSchema(part.header);
      case "root_key":
        this.#vault = createIncomingVault(part.base64, this.#options.file);
        return;
      case "table":
        await this.#closeTable();
        this.#table = this.#openTable(part.name, part.columns);
        return;
      case "row":
        return this.#takeRow(part.values);
    }
  }

  async finish(): Promise<Filled> {
    await this.#closeTable();
    if (this.#header === undefined || this.#vault === undefined) throw this.#unreadable("it is empty");
    for (const name of this.#shapes.keys()) {
      if (this.#rows[name] === undefined) throw this.#unreadable(`it lacks the table ${name}`);
    }
    const { opening, nowMs } = this.#options;
    const { report, slot } = await this.#vault.finish(opening, nowMs);
    if (slot !== undefined) await this.#inserter("vault_slots", Object.keys(slot))([Object.values(slot)]);
    await migrateWithin(this.#transaction, { engine: this.#db.engine, nowMs });
    return { header: this.#header, rows: this.#rows, vault: report, newSlot: slot && String(slot["kind"]) };
  }

  wipe(): void {
    this.#vault?.wipe();
  }

  async #makeSchema(header: Header): Promise<void> {
    const { engine } = this.#db;
    const inside = this.#transaction.withTables<never>();
    await migrateWithin(this.#transaction, { engine, nowMs: this.#options.nowMs, upTo: header.schema });
    const shapes = (await tableShapes(inside, engine)).filter(({ name }) => name !== "migrations");
    await emptyTables(inside, shapes); // a migration may have put something in
    this.#header = header;
    this.#shapes = new Map(shapes.map((shape) => [shape.name, shape]));
  }

  #openTable(name: string, columns: readonly string[]): OpenTable {
    const shape = this.#shapes.get(name);
    if (shape === undefined) throw this.#unreadable("it holds a table that its schema does not have");
    if (columns.toSorted().join(" ") !== shape.columns.toSorted().join(" ")) {
      throw this.#unreadable(`the columns of its table ${name} are not those of its schema`);
    }
    const ofVault = vaultTables.some((each) => each === name);
    if (ofVault && Object.keys(this.#rows).some((each) => vaultOrder(each) > vaultOrder(name))) {
      throw this.#unreadable(`its table ${name} is out of place`);
    }
    this.#rows[name] = 0;
    return { name, columns, ofVault, insert: this.#inserter(name, columns), waiting: [] };
  }

  async #takeRow(values: readonly Value[]): Promise<void> {
    const table = this.#table;
    if (table === undefined) return;
    this.#rows[table.name] = (this.#rows[table.name] ?? 0) + 1;
    const admitted = table.ofVault ? this.#admit(table, values) : values;
    if (admitted !== undefined) table.waiting.push(admitted);
    if (table.waiting.length >= batchRows) await this.#flush(table);
  }

  #admit({ name, columns }: OpenTable, values: readonly Value[]): readonly Value[] | undefined {
    const row = Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]));
    const admitted = this.#vault?.admit(name, row);
    return admitted && columns.map((column) => admitted[column] ?? null);
  }

  async #closeTable(): Promise<void> {
    if (this.#table !== undefined) await this.#flush(this.#table);
    this.#table = undefined;
  }

  async #flush({ name, insert, waiting }: OpenTable): Promise<void> {
    try {
      await insert(waiting.splice(0));
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw this.#unreadable(`a row of its table ${name} does not fit the schema`, error);
    }
  }

  #inserter(name: string, columns: readonly string[]): InsertRows {
    return rowInserter(this.#transaction.withTables<never>(), name, columns);
  }

  #unreadable(problem: string, cause?: unknown): AppError {
    return unreadable(this.#options.file, problem, undefined, cause);
  }
}

interface OpenTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly ofVault: boolean;
  readonly insert: InsertRows;
  readonly waiting: (readonly Value[])[];
}

/** Behind all of the vault's, for a table that is none of them. */
function vaultOrder(name: string): number {
  const index = vaultTables.findIndex((each) => each === name);
  return index < 0 ? vaultTables.length : index;
}
