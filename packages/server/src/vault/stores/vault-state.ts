import type { Kysely, Transaction } from "kysely";
import { AppError } from "../../kernel/errors.ts";
import type { Db, Tables } from "../../db/index.ts";
import { asObject, asText, Malformed } from "./key-json.ts";

/*
 * The vault's state in the database, and the order of everything that changes the vault there. Whoever writes holds the
 * row `epoch` until the transaction ends: alone if keys change, together with others if only single records do. So no record is
 * sealed under a term that is just being removed, nothing is wrapped by a root key that is just being replaced, and nothing
 * is written to a vault that is just being moved. SQLite needs no lock of its own for this: it has one writer at a time.
 */

/** Where a vault lies: in the database's own tables, or in the file that bears this id. */
export type Place = { readonly kind: "database" } | { readonly kind: "file"; readonly id: string };

/**
 * A move that has not ended.
 *
 *   copying   `from` is in force and takes no changes; what is in `to` counts for nothing
 *   clearing  the same, after the move was given up: whoever copied can no longer put `to` in force
 *   emptying  `to` is in force; what is left in `from` counts for nothing
 */
export interface Move {
  readonly id: string;
  readonly phase: "copying" | "clearing" | "emptying";
  readonly from: Place;
  readonly to: Place;
}

export interface VaultState {
  readonly epoch: number;
  /** `undefined` until a vault was created or moved: then it is in the database if it is anywhere. */
  readonly place: Place | undefined;
  readonly move: Move | undefined;
}

/** Facts by their name. */
type StateName = "epoch" | "staged_root" | "store" | "move";

export const firstEpoch = 1;

/** Runs a change of the vault that lies in the database. Throws `vault_moved` and `vault_moving`. */
export function changing<Result>(
  db: Db,
  what: "keys" | "records",
  change: (transaction: Transaction<Tables>, state: VaultState) => Promise<Result>,
): Promise<Result> {
  return locked(db, what, (transaction, state) => {
    if (state.place?.kind === "file") throw new AppError("vault_moved");
    if (state.move?.phase === "copying") throw new AppError("vault_moving");
    return change(transaction, state);
  });
}

/** Runs something in one transaction that nothing which changes the vault can pass. */
export function locked<Result>(
  { kysely, engine }: Db,
  what: "keys" | "records",
  run: (transaction: Transaction<Tables>, state: VaultState) => Promise<Result>,
): Promise<Result> {
  return kysely.transaction().execute(async (transaction) => {
    if (engine === "postgres") await lock(transaction, what);
    return run(transaction, await readState(transaction));
  });
}

export async function readState(kysely: Kysely<Tables>): Promise<VaultState> {
  const names: readonly StateName[] = ["epoch", "store", "move"];
  const rows = await kysely.selectFrom("vault_state").selectAll().where("name", "in", names).execute();
  const values = new Map(rows.map(({ name, value }) => [name, value]));
  const epoch = Number(values.get("epoch") ?? firstEpoch);
  return { epoch, place: parse(values.get("store"), placeFromText), move: parse(values.get("move"), moveFromText) };
}

/** Throws `store_conflict` if the root key in force is not the one of this epoch. */
export function demandEpoch(state: { readonly epoch: number }, epoch: number): void {
  if (state.epoch !== epoch) throw new AppError("store_conflict", { what: "root key" });
}

export async function writeState(kysely: Kysely<Tables>, name: StateName, value: string): Promise<void> {
  const insert = kysely.insertInto("vault_state").values({ name, value });
  await insert.onConflict((row) => row.column("name").doUpdateSet({ value })).execute();
}

export async function removeState(kysely: Kysely<Tables>, name: StateName): Promise<void> {
  await kysely.deleteFrom("vault_state").where("name", "=", name).execute();
}

export async function writePlace(kysely: Kysely<Tables>, place: Place): Promise<void> {
  await writeState(kysely, "store", placeToText(place));
}

export async function writeMove(kysely: Kysely<Tables>, { id, phase, from, to }: Move): Promise<void> {
  await writeState(kysely, "move", JSON.stringify({ id, phase, from: placeToText(from), to: placeToText(to) }));
}

/** The row is made by whoever comes first; anyone who makes it at the same time waits here until that is decided. */
async function lock(transaction: Transaction<Tables>, what: "keys" | "records"): Promise<void> {
  const query = transaction.selectFrom("vault_state").select("name").where("name", "=", "epoch");
  const locking = what === "keys" ? query.forUpdate() : query.forShare();
  if ((await locking.execute()).length > 0) return;
  const insert = transaction.insertInto("vault_state").values({ name: "epoch", value: String(firstEpoch) });
  await insert.onConflict((row) => row.doNothing()).execute();
  await locking.execute();
}

function placeToText(place: Place): string {
  return place.kind === "database" ? "database" : `file:${place.id}`;
}

function placeFromText(text: string): Place {
  if (text === "database") return { kind: "database" };
  if (/^file:\w+$/.test(text)) return { kind: "file", id: text.slice("file:".length) };
  throw new Malformed("where it lies");
}

function moveFromText(text: string): Move {
  const { id, phase, from, to } = asObject(JSON.parse(text), "move");
  if (phase !== "copying" && phase !== "clearing" && phase !== "emptying") throw new Malformed("its move");
  return {
    id: asText(id, "id"),
    phase,
    from: placeFromText(asText(from, "from")),
    to: placeFromText(asText(to, "to")),
  };
}

/** Nothing is guessed about a vault: a wrong guess could end in a second one. */
function parse<Value>(text: string | undefined, read: (text: string) => Value): Value | undefined {
  if (text === undefined) return undefined;
  try {
    return read(text);
  } catch (error) {
    const what = "the table vault_state says unreadably where it lies";
    throw new AppError("vault_key_missing", { what, advice: "restore the database from a backup" }, { cause: error });
  }
}
