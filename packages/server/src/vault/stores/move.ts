import { AppError } from "../../kernel/errors.ts";
import type { Db } from "../../db/index.ts";
import type { VaultStore } from "../store.ts";
import { fileRecord } from "./file-format.ts";
import { rootToJson, slotToJson } from "./key-json.ts";
import type { KeyImage, MovableStore } from "./movable.ts";
import { locked, readState, removeState, writeMove, writePlace, type Move, type Place } from "./vault-state.ts";

/*
 * Moving a vault from one store to another. It is copied, read back and compared; then, in one transaction of the
 * database, the copy is put in force; then the old store is emptied. Until the copy is in force it counts for nothing, and
 * from then on the original does. Where a move has got to is noted in the database (see `Move`), so whatever ends it, one
 * of the two stores is whole and in force, and `settleMove` clears the other.
 */

/** A place, and the store that is there. */
export interface Seat {
  readonly place: Place;
  readonly store: MovableStore;
}

/** How many records were moved. Throws `vault_moving` if a move has not ended; after any error, call `settleMove`. */
export async function moveVault(db: Db, id: string, from: Seat, to: Seat): Promise<number> {
  await begin(db, { id, phase: "copying", from: from.place, to: to.place });
  await to.store.fill(id, await from.store.readKeys(), from.store.all());
  const count = await compare(from.store, to.store);
  await putInForce(db, id);
  return count;
}

/** Clears what a move has left, done or not. Does nothing if there was none. */
export async function settleMove(db: Db, newMoveId: string, storeAt: (place: Place) => MovableStore): Promise<void> {
  const { move } = await readState(db.kysely);
  if (move === undefined) return;
  const id = move.phase === "emptying" ? move.id : newMoveId;
  if (move.phase !== "emptying") {
    await noting(db, move.id, (transaction) => writeMove(transaction, { ...move, id, phase: "clearing" }));
  }
  await storeAt(move.phase === "emptying" ? move.from : move.to).clear(id);
  await noting(db, id, (transaction) => removeState(transaction, "move"));
}

async function begin(db: Db, move: Move): Promise<void> {
  await locked(db, "keys", async (transaction, state) => {
    if (state.move !== undefined) throw new AppError("vault_moving");
    if (!isSame(state.place ?? { kind: "database" }, move.from)) throw new AppError("vault_moved");
    await writeMove(transaction, move);
  });
}

async function putInForce(db: Db, id: string): Promise<void> {
  await noting(db, id, async (transaction, move) => {
    await writePlace(transaction, move.to);
    await writeMove(transaction, { ...move, phase: "emptying" });
  });
}

/** Notes how far a move is, if it is still the one under way. */
async function noting(
  db: Db,
  id: string,
  note: (transaction: Parameters<typeof writeMove>[0], move: Move) => Promise<void>,
): Promise<void> {
  await locked(db, "keys", async (transaction, { move }) => {
    if (move?.id !== id) throw new AppError("store_conflict", { what: "place of the vault" });
    await note(transaction, move);
  });
}

export function isSame(one: Place, other: Place): boolean {
  return one.kind === "database" ? other.kind === "database" : other.kind === "file" && one.id === other.id;
}

/** How many records both have. Throws `store_conflict` if the copy is not the original to the letter. */
async function compare(original: MovableStore, copy: MovableStore): Promise<number> {
  const [lines, copied] = [await recordLines(original), await recordLines(copy)];
  const same = keyText(await original.readKeys()) === keyText(await copy.readKeys());
  if (!same || lines.size !== copied.size || [...lines].some((line) => !copied.has(line))) {
    throw new AppError("store_conflict", { what: "vault" });
  }
  return lines.size;
}

async function recordLines(store: VaultStore): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  for await (const piece of store.all()) for (const each of piece) lines.add(fileRecord(each).line);
  return lines;
}

function keyText({ epoch, slots, terms, keys, staged }: KeyImage): string {
  const inOrder = slots.map((slot) => JSON.stringify(slotToJson(slot))).toSorted();
  const times = terms.map(({ createdAt }) => createdAt);
  return JSON.stringify([epoch, inOrder, times, rootToJson({ slots: [], terms, keys }), staged && rootToJson(staged)]);
}
