import { AppError } from "../kernel/errors.ts";
import type { Value } from "../db/index.ts";
import { keyCopy, keyMemory } from "./key-material.ts";
import { openKeyring, type WrappedTerm } from "./keyring.ts";
import type { StoredKeys, VaultStore } from "./store.ts";
import type { Vault } from "./vault.ts";

/*
 * A vault on its way into a backup: its tables' rows, wherever it lies, and its root key. The root key leaves this module
 * here and nowhere else, for a file that is encrypted before a byte of it is written.
 */

/** The tables of the vault, in the order in which a backup holds them: what opens stands before what it opens. */
export const vaultTables = ["vault_slots", "vault_terms", "vault_named_keys", "vault_state", "sealed_records"] as const;

export interface OutgoingTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
}

/**
 * The root key as 44 characters of base64, in memory that the caller wipes. Throws `vault_sealed`, and `store_conflict`
 * if it does not open the terms of that table: another instance has rotated the root key, and this one has yet to notice.
 */
export async function outgoingRootKey(vault: Pick<Vault, "lendRootKey">, terms: OutgoingTable): Promise<Buffer> {
  const wrapped = termsOf(terms);
  return vault.lendRootKey((rootKey) => {
    if (!opens(keyCopy(rootKey), wrapped)) throw new AppError("store_conflict", { what: "root key" });
    return Promise.resolve(encodeBase64(rootKey));
  });
}

function termsOf({ columns, rows }: OutgoingTable): readonly WrappedTerm[] {
  const [termAt, wrappedAt] = [columns.indexOf("term"), columns.indexOf("wrapped")];
  return rows.flatMap((row) => {
    const [term, wrapped] = [row[termAt], row[wrappedAt]];
    return typeof term === "number" && wrapped instanceof Uint8Array ? [{ term, wrapped }] : [];
  });
}

/** The key is the ring's, which wipes it either way. */
function opens(rootKey: Buffer, terms: readonly WrappedTerm[]): boolean {
  try {
    openKeyring(rootKey, terms).wipe();
    return true;
  } catch {
    return false;
  }
}

/** Without a string on the way, which could not be wiped. */
function encodeBase64(key: Uint8Array): Buffer {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const text = keyMemory(Math.ceil(key.length / 3) * 4).fill("=");
  for (let index = 0; index * 6 < key.length * 8; index++) {
    const at = index * 6;
    const pair = ((key[at >> 3] ?? 0) << 8) | (key[(at >> 3) + 1] ?? 0);
    text[index] = alphabet.charCodeAt((pair >> (10 - (at & 7))) & 63);
  }
  return text;
}

/** A vault that does not lie in the database, as the rows it would have there. */
export async function outgoingTables(store: VaultStore, nowMs: number): Promise<readonly OutgoingTable[]> {
  const keys = await store.loadKeys();
  const records: Value[][] = [];
  for await (const piece of store.all()) {
    for (const { type, id, field, version, term, sealed, origins, updatedAt } of piece) {
      records.push([type, id, field, version, term, sealed, JSON.stringify(origins), updatedAt]);
    }
  }
  const columns = ["type", "id", "field", "version", "kek_term", "sealed", "origins", "updated_at"];
  return [...keyTables(keys, nowMs), table("sealed_records", columns, records)];
}

function keyTables({ slots, terms, keys, epoch }: StoredKeys, nowMs: number): readonly OutgoingTable[] {
  return [
    table(
      "vault_slots",
      ["id", "kind", "label", "params", "wrapped", "created_at"],
      slots.map(({ id, kind, label, params, wrapped, createdAt }) => [id, kind, label, params, wrapped, createdAt]),
    ),
    table(
      "vault_terms",
      ["term", "wrapped", "created_at"],
      terms.map(({ term, wrapped }) => [term, wrapped, nowMs]),
    ),
    table(
      "vault_named_keys",
      ["purpose", "version", "wrapped", "created_at"],
      keys.map(({ purpose, version, wrapped, createdAt }) => [purpose, version, wrapped, createdAt]),
    ),
    table("vault_state", ["name", "value"], [["epoch", String(epoch)]]),
  ];
}

function table(name: string, columns: readonly string[], rows: readonly (readonly Value[])[]): OutgoingTable {
  return { name, columns, rows };
}
