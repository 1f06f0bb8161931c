import type { RootWrapped, StoredSlot, WrappedNamedKey } from "../store.ts";
import type { WrappedTerm } from "../keyring.ts";
import { isSlotKind } from "../unlockers/index.ts";

/*
 * Wrapped keys as JSON: bytes in base64, times in milliseconds. Parsing is strict, and says which part is wrong.
 */

/** A slot of any kind, also of one from a later version. */
export type AnySlot = Omit<StoredSlot, "kind"> & { readonly kind: string };

/** A text that is not what was written; `message` says which part of it, and never what stands there. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

export type Json = Readonly<Record<string, unknown>>;

export function slotToJson({ id, kind, label, params, wrapped, createdAt }: AnySlot): Json {
  return { id, kind, label, params, wrapped: base64(wrapped), created_at: createdAt };
}

export function slotFromJson(json: unknown, at: string): AnySlot {
  const { id, kind, label, params, wrapped, created_at } = asObject(json, at);
  return {
    id: asText(id, `${at}.id`),
    kind: asText(kind, `${at}.kind`),
    label: asText(label, `${at}.label`),
    params: asText(params, `${at}.params`),
    wrapped: asBytes(wrapped, `${at}.wrapped`),
    createdAt: asCount(created_at, `${at}.created_at`),
  };
}

export function termToJson({ term, wrapped }: WrappedTerm): Json {
  return { term, wrapped: base64(wrapped) };
}

export function termFromJson(json: unknown, at: string): WrappedTerm {
  const { term, wrapped } = asObject(json, at);
  return { term: asCount(term, `${at}.term`), wrapped: asBytes(wrapped, `${at}.wrapped`) };
}

export function namedKeyToJson({ purpose, version, wrapped, createdAt }: WrappedNamedKey): Json {
  return { purpose, version, wrapped: base64(wrapped), created_at: createdAt };
}

export function namedKeyFromJson(json: unknown, at: string): WrappedNamedKey {
  const { purpose, version, wrapped, created_at } = asObject(json, at);
  return {
    purpose: asText(purpose, `${at}.purpose`),
    version: asCount(version, `${at}.version`),
    wrapped: asBytes(wrapped, `${at}.wrapped`),
    createdAt: asCount(created_at, `${at}.created_at`),
  };
}

/** What one root key wraps, as it is stored: with slots of every kind. */
export type RootImage = Omit<RootWrapped, "slots"> & { readonly slots: readonly AnySlot[] };

export function rootToJson({ slots, terms, keys }: RootImage): Json {
  return { slots: slots.map(slotToJson), terms: terms.map(termToJson), keys: keys.map(namedKeyToJson) };
}

export function rootFromJson(json: unknown, at: string): RootImage {
  const { slots, terms, keys } = asObject(json, at);
  return {
    slots: asList(slots, `${at}.slots`, slotFromJson),
    terms: asList(terms, `${at}.terms`, termFromJson),
    keys: asList(keys, `${at}.keys`, namedKeyFromJson),
  };
}

/** Without slots of kinds that this version does not know: they open nothing here, and stay where they are stored. */
export function usableKeys({ slots, terms, keys }: RootImage): RootWrapped {
  return { slots: slots.filter((slot): slot is StoredSlot => isSlotKind(slot.kind)), terms, keys };
}

/** Whether a root key could take over from the one in force: it wraps the same terms and keys, and a slot holds it. */
export function covers(staged: RootImage, inForce: RootImage): boolean {
  const names = ({ terms, keys }: RootImage): string =>
    JSON.stringify([
      terms.map(({ term }) => String(term)).toSorted(),
      keys.map(({ purpose, version }) => `${purpose} ${version}`).toSorted(),
    ]);
  return staged.slots.length > 0 && names(staged) === names(inForce);
}

export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}

export function asObject(json: unknown, at: string): Json {
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new Malformed(`${at} is not an object`);
  return json as Json;
}

export function asList<Item>(json: unknown, at: string, parse: (item: unknown, at: string) => Item): readonly Item[] {
  if (!Array.isArray(json)) throw new Malformed(`${at} is not a list`);
  return json.map((item, index) => parse(item, `${at}[${index}]`));
}

export function asText(json: unknown, at: string): string {
  if (typeof json !== "string") throw new Malformed(`${at} is not a text`);
  return json;
}

export function asCount(json: unknown, at: string): number {
  if (!Number.isSafeInteger(json) || (json as number) < 0) throw new Malformed(`${at} is not a whole number`);
  return json as number;
}

/** Base64 with padding, spelled as we spell it. */
export function asBytes(json: unknown, at: string): Buffer {
  const bytes = Buffer.from(asText(json, at), "base64");
  if (base64(bytes) !== json) throw new Malformed(`${at} is not base64`);
  return bytes;
}
