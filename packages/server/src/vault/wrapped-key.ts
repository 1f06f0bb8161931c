import { boxOverheadBytes, encodeFields, openKeyBox, sealBox } from "./box.ts";
import { keySizeBytes, type RandomBytes, systemRandom } from "./key-material.ts";

/*
 * A key wrapped by another: the root key in an unlock slot, a KEK in its term, a key with a purpose of its own.
 *
 *   magic "PCWK" (4) ‖ version 1 (1) ‖ algorithm 1 (1) ‖ box of the 32-byte key (92)
 */

const header = Buffer.from("PCWK\x01\x01", "latin1");
const wrappedSizeBytes = header.length + boxOverheadBytes + keySizeBytes;

/** `place` says where the wrapped key belongs; it opens nowhere else. */
export function wrapKey(
  wrappingKey: Uint8Array,
  place: readonly string[],
  key: Uint8Array,
  random: RandomBytes = systemRandom,
): Buffer {
  return Buffer.concat([header, sealBox(wrappingKey, encodeFields(place), key, random)]);
}

/** The key, in memory that the caller wipes; `undefined` if it does not open, whatever the cause. */
export function unwrapKey(wrappingKey: Uint8Array, place: readonly string[], wrapped: Uint8Array): Buffer | undefined {
  if (wrapped.length !== wrappedSizeBytes || !header.equals(wrapped.subarray(0, header.length))) return undefined;
  return openKeyBox(wrappingKey, encodeFields(place), wrapped.subarray(header.length));
}

export function slotPlace(slot: {
  readonly id: string;
  readonly kind: string;
  readonly params: string;
}): readonly string[] {
  return ["portcullis slot 1", slot.id, slot.kind, slot.params];
}

export function termPlace(term: number): readonly string[] {
  return ["portcullis term 1", String(term)];
}

export function namedKeyPlace(purpose: string, version: number): readonly string[] {
  return ["portcullis key 1", purpose, String(version)];
}
