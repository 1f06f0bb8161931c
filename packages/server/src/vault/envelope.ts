import { boxOverheadBytes, encodeFields, openBox, sealBox } from "./box.ts";
import { keySizeBytes, type RandomBytes, systemRandom, wipe } from "./key-material.ts";

/*
 * The sealed record: one version of one value, under a key of its own (DEK), which is wrapped by the KEK of a term.
 *
 *   magic "PCSR" (4) ‖ version 1 (1) ‖ algorithm 1 (1) ‖ KEK term (4) ‖ box of the DEK (92) ‖ box of the value (60 + n)
 *
 * Both boxes are bound to the record's place, its version and the origins its value may be sent to. So the bytes open
 * only as that version of that field of that object, only with those origins, and only under the term they name.
 */

const header = Buffer.from("PCSR\x01\x01", "latin1");
const termOffset = header.length;
const dekOffset = termOffset + 4;
const valueOffset = dekOffset + boxOverheadBytes + keySizeBytes;

/** What a sealed record is bound to. */
export interface RecordPlace {
  readonly type: string;
  readonly id: string;
  readonly field: string;
  readonly version: number;
  readonly term: number;
  readonly origins: readonly string[];
}

export function sealRecord(
  kek: Uint8Array,
  place: RecordPlace,
  value: Uint8Array,
  random: RandomBytes = systemRandom,
): Buffer {
  const associatedData = placeData(place);
  const term = Buffer.alloc(4);
  term.writeUInt32BE(place.term);
  const dek = random(keySizeBytes);
  try {
    const wrappedDek = sealBox(kek, associatedData, dek, random);
    return Buffer.concat([header, term, wrappedDek, sealBox(dek, associatedData, value, random)]);
  } finally {
    wipe(dek);
  }
}

/** The value, in memory that the caller wipes; `undefined` if it does not open, whatever the cause. */
export function openRecord(kek: Uint8Array, place: RecordPlace, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < valueOffset + boxOverheadBytes || !header.equals(sealed.subarray(0, header.length)))
    return undefined;
  if (Buffer.from(sealed.subarray(termOffset, dekOffset)).readUInt32BE() !== place.term) return undefined;
  const associatedData = placeData(place);
  const dek = openBox(kek, associatedData, sealed.subarray(dekOffset, valueOffset));
  if (dek === undefined) return undefined;
  try {
    return openBox(dek, associatedData, sealed.subarray(valueOffset));
  } finally {
    wipe(dek);
  }
}

function placeData(place: RecordPlace): Buffer {
  const { type, id, version, field, term, origins } = place;
  return encodeFields(["portcullis record 1", type, id, String(version), field, String(term), ...origins]);
}
