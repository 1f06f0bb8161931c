import { newId } from "../../kernel/ids.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Db } from "../../db/index.ts";
import type { HomePath } from "../../home/index.ts";
import type { VaultStore } from "../store.ts";
import { isOccupied } from "./database-keys.ts";
import { createDatabaseStore } from "./database.ts";
import { emptyContent, type FileContent } from "./file-format.ts";
import { createFileStore } from "./file.ts";
import { isSame, moveVault, settleMove, type Seat } from "./move.ts";
import { createStoreSwitch } from "./store-switch.ts";
import { createVaultFile, readVaultFile } from "./vault-file.ts";
import { locked, readState, writePlace, type Place } from "./vault-state.ts";

/*
 * Where the vault lies is a fact that the database records; the setting only chooses for a new one. A second vault is never
 * made beside one that is there: if the database knows of none, but its home holds a file with one, that is the vault.
 */

export type StoreKind = Place["kind"];

export interface VaultStoreParts {
  readonly db: Db;
  /** The vault's file is `vault.json` there. */
  readonly home: HomePath;
  readonly clock: Clock;
  /** Where a new vault is to lie. */
  readonly wanted: StoreKind;
}

export interface OpenedVaultStore {
  /** The store in force, also after a move. */
  readonly store: VaultStore;
  /** Where the vault lies; not where it was wanted, if there was one elsewhere already. */
  kind(): StoreKind;
  /**
   * Moves the vault, and says how many records that were; 0 if it lies there already. Whatever else is asked of the store
   * waits until that is done. If it fails, the vault is where it was.
   *
   * Throws `file_unsafe` if there is a file in the way or one that cannot be taken along whole, `file_failed`,
   * `store_conflict`, `vault_moving`, `vault_moved`.
   */
  move(to: StoreKind): Promise<number>;
}

/** Finds the vault, or a place for a new one. Clears what a move that was broken off has left. */
export async function openVaultStore(parts: VaultStoreParts): Promise<OpenedVaultStore> {
  const { db, home, clock } = parts;
  const path = home.file("vault.json");
  const database = createDatabaseStore(db);
  const files = new Map<string, Seat["store"]>();
  const storeAt = (place: Place): Seat["store"] => {
    if (place.kind === "database") return database;
    const store = files.get(place.id) ?? createFileStore({ path, id: place.id });
    files.set(place.id, store);
    return store;
  };
  const find = async (): Promise<Seat> => {
    await settleMove(db, newId("move", clock.now()), storeAt);
    const place = await findPlace(parts, path);
    return { place, store: storeAt(place) };
  };
  const seats = createStoreSwitch(await find(), find);
  return {
    store: seats.store,
    kind: () => seats.last().place.kind,
    move: (to) =>
      seats.alone(async (from) => {
        if (from.place.kind === to) return 0;
        const place: Place = to === "database" ? { kind: to } : { kind: to, id: newId("vault", clock.now()) };
        return moveAndSettle(parts, from, { place, store: storeAt(place) }, find);
      }),
  };
}

/** What failed may have been done all the same, and what was done may have failed to be tidied up: the database knows. */
async function moveAndSettle(
  { db, clock }: VaultStoreParts,
  from: Seat,
  to: Seat,
  find: () => Promise<Seat>,
): Promise<number> {
  const moving = moveVault(db, newId("move", clock.now()), from, to);
  const [moved] = await Promise.allSettled([moving]);
  const now = await find();
  if (moved.status === "fulfilled") return moved.value;
  if (!isSame(now.place, to.place)) throw moved.reason;
  return now.store.count();
}

async function findPlace(parts: VaultStoreParts, path: string): Promise<Place> {
  const { db, clock, wanted } = parts;
  for (;;) {
    const { place } = await readState(db.kysely);
    if (place !== undefined) return place;
    if (await isOccupied(db.kysely)) return { kind: "database" };
    const file = await readVaultFile(path);
    if (wanted === "database" && (file === undefined || isEmpty(file))) return { kind: "database" };
    const content = file ?? emptyContent(newId("vault", clock.now()));
    if (file === undefined) await createVaultFile(path, content);
    const claimed: Place = { kind: "file", id: content.id };
    if (await claim(db, claimed)) return claimed;
  }
}

/** Whether the new vault is in this place: of several instances that start at once, one says where. */
function claim(db: Db, place: Place): Promise<boolean> {
  return locked(db, "keys", async (transaction, state) => {
    if (state.place !== undefined || (await isOccupied(transaction))) return false;
    await writePlace(transaction, place);
    return true;
  });
}

function isEmpty({ keys, records, strays }: FileContent): boolean {
  return keys.slots.length + keys.terms.length + records.size + strays.length === 0;
}
