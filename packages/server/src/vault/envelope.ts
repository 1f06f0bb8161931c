import { boxOverheadBytes, encodeFields, openBox, openKeyBox, sealBox } from "./box.ts";
import { keySizeBytes, type RandomBytes, systemRandom, wipe } from "./key-material.ts";

/*
 * The sealed record: one version of one value, under a key of its own (DEK), which is wrapped by the KEK of a term.
 *
 *   magic "PCSR" (4) ‖ version 1 (1) ‖ algorithm (1) ‖ KEK term (4) ‖ box of the DEK (92) ‖ box of the value (60 + n)
 *
 * Both boxes are bound to the record's place, its version and the origins its value may be sent to; the DEK's is bound to
 * the term, too. So the bytes open only as that version of that field of that object, only with those origins, and only
 * under the term they name.
 *
 * Algorithm 2 is what is written. As the value's box does not know the term, a record moves to another term by wrapping
 * its DEK anew, and its value is not decrypted on the way. Algorithm 1, which binds both boxes to the term, still opens.
 */

const header = Buffer.from("PCSR\x01", "latin1");
const algorithmOffset = header.length;
const termOffset = algorithmOffset + 1;
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
  const dek = random(keySizeBytes);
  try {
    const wrappedDek = sealBox(kek, dekData(place, 2), dek, random);
    return assemble(place.term, wrappedDek, sealBox(dek, valueData(place, 2), value, random));
  } finally {
    wipe(dek);
  }
}

/** The value, in memory that the caller wipes; `undefined` if it does not open, whatever the cause. */
export function openRecord(kek: Uint8Array, place: RecordPlace, sealed: Uint8Array): Buffer | undefined {
  const algorithm = algorithmOf(place, sealed);
  const dek = algorithm && openKeyBox(kek, dekData(place, algorithm), sealed.subarray(dekOffset, valueOffset));
  if (algorithm === undefined || dek === undefined) return undefined;
  try {
    return openBox(dek, valueData(place, algorithm), sealed.subarray(valueOffset));
  } finally {
    wipe(dek);
  }
}

/**
 * The record under the KEK of another term, always of algorithm 2; `undefined` if it does not open. Of a record that is
 * of algorithm 2 already, all but the term and the DEK's box is taken over as it is, damaged or not.
 */
export function rewrapRecord(
  kek: Uint8Array,
  place: RecordPlace,
  sealed: Uint8Array,
  next: { readonly term: number; readonly kek: Uint8Array },
  random: RandomBytes = systemRandom,
): Buffer | undefined {
  const nextPlace = { ...place, term: next.term };
  const algorithm = algorithmOf(place, sealed);
  if (algorithm === 1) {
    const value = openRecord(kek, place, sealed);
    try {
      return value && sealRecord(next.kek, nextPlace, value, random);
    } finally {
      wipe(value);
    }
  }
  const dek = algorithm && openKeyBox(kek, dekData(place, 2), sealed.subarray(dekOffset, valueOffset));
  if (dek === undefined) return undefined;
  try {
    const moved = Buffer.from(sealed);
    moved.writeUInt32BE(next.term, termOffset);
    moved.set(sealBox(next.kek, dekData(nextPlace, 2), dek, random), dekOffset);
    return moved;
  } finally {
    wipe(dek);
  }
}

type Algorithm = 1 | 2;

/** `undefined` for bytes that are not a record of that term, or one of an algorithm that this version does not know. */
function algorithmOf(place: RecordPlace, sealed: Uint8Array): Algorithm | undefined {
  if (sealed.length < valueOffset + boxOverheadBytes) return undefined;
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, dekOffset);
  if (!header.equals(bytes.subarray(0, header.length)) || bytes.readUInt32BE(termOffset) !== place.term)
    return undefined;
  const algorithm = bytes[algorithmOffset];
  return algorithm === 1 || algorithm === 2 ? algorithm : undefined;
}

function assemble(term: number, wrappedDek: Uint8Array, valueBox: Uint8Array): Buffer {
  const start = Buffer.alloc(dekOffset);
  header.copy(start);
  start.writeUInt8(2, algorithmOffset);
  start.writeUInt32BE(term, termOffset);
  return Buffer.concat([start, wrappedDek, valueBox]);
}

function dekData({ type, id, version, field, term, origins }: RecordPlace, algorithm: Algorithm): Buffer {
  return encodeFields([`portcullis record ${algorithm}`, type, id, String(version), field, String(term), ...origins]);
}

function valueData(place: RecordPlace, algorithm: Algorithm): Buffer {
  if (algorithm === 1) return dekData(place, 1);
  const { type, id, version, field, origins } = place;
  return encodeFields(["portcullis value 2", type, id, String(version), field, ...origins]);
}
