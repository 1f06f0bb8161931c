import { AppError } from "../../kernel/errors.ts";
import type { RecordRef, StoredKeys, StoredRecord, StoredSlot, VaultStore, WrappedNamedKey } from "../store.ts";

/* What the tests of the stores share. The bytes are no sealed bytes: a store does not look into them. */

export const slot = (id: string, createdAt = 1): StoredSlot => {
  return { id, kind: "environment", label: "label", params: "{}", wrapped: Buffer.from(id), createdAt };
};
export const term = (number: number, wrapped = `term ${number}`) => ({ term: number, wrapped: Buffer.from(wrapped) });
export const namedKey = (version: number, wrapped = `key ${version}`): WrappedNamedKey => {
  return { purpose: "token", version, wrapped: Buffer.from(wrapped), createdAt: 7 };
};
export const ref = (id: string): RecordRef => ({ type: "secret", id, field: "value" });
export const record = (version: number, inTerm = 1): StoredRecord => {
  return { version, term: inTerm, origins: ["o"], sealed: Buffer.from([version, inTerm, 0xff]) };
};

export const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;
/** Without times of terms, and with bytes that compare. */
export function plain({ slots, terms, keys, epoch, staged }: StoredKeys): unknown {
  const bytes = <Item extends { readonly wrapped: Uint8Array }>(item: Item) => {
    return { ...item, wrapped: Buffer.from(item.wrapped).toString() };
  };
  const root = (wrapped: Pick<StoredKeys, "slots" | "terms" | "keys">) => ({
    slots: wrapped.slots.map(bytes),
    terms: wrapped.terms.map(({ term: number, wrapped: key }) => bytes({ term: number, wrapped: key })),
    keys: wrapped.keys.map(bytes),
  });
  return { ...root({ slots, terms, keys }), epoch, staged: staged && root(staged) };
}

/** Every record, as a text for each. */
export async function everything(store: VaultStore): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const piece of store.all()) {
    for (const { type, id, field, version, term: number, origins, sealed, updatedAt } of piece) {
      found.push(JSON.stringify([type, id, field, version, number, origins, Buffer.from(sealed), updatedAt]));
    }
  }
  return found.toSorted();
}
