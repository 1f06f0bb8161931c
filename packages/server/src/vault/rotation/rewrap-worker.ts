import { parentPort, workerData } from "node:worker_threads";
import { systemClock } from "../../kernel/clock.ts";
import { randomForBoxes } from "../box.ts";
import { rewrapRecord, type RecordPlace } from "../envelope.ts";
import { kekOf, useLentKeys } from "./lent-keys.ts";
import { packBytes, unpackBytes } from "./packed-bytes.ts";
import type { AskedSlice, RewrapThreadData, RewrappedSlice } from "./rewrap-thread.ts";

/**
 * The thread that re-wraps, slice by slice. KEKs it only borrows, DEKs are in memory that `rewrapRecord` wipes, and what it
 * answers is sealed. It ends when it is told to, and has no keys from the moment they are taken back.
 */
const port = parentPort;
if (port === null) throw new Error("this file is the body of a worker thread");

const { keys, newTerm }: RewrapThreadData = workerData;
const keks = new Map(keys.terms.map((term) => [term, kekOf(keys, term)]));
const newKek = keks.get(newTerm);

port.on("message", (asked: AskedSlice | null) => {
  const answer = asked === null ? undefined : rewrapSlice(asked);
  if (answer === undefined) port.close();
  else port.postMessage(answer, [answer.packed.bytes.buffer]);
});

/** `undefined` once the keys were taken back. */
function rewrapSlice({ places: json, packed }: AskedSlice): RewrappedSlice | undefined {
  const startedAt = systemClock.monotonic();
  const places = JSON.parse(json) as RecordPlace[];
  const sealed = unpackBytes(packed);
  const random = randomForBoxes(places.length);
  const rewrapped: (Uint8Array | undefined)[] = [];
  const wasLent = useLentKeys(keys, places.entries(), ([index, place]) => {
    const [kek, bytes] = [keks.get(place.term), sealed[index]];
    const next = newKek && { term: newTerm, kek: newKek };
    rewrapped.push(kek && bytes && next && rewrapRecord(kek, place, bytes, next, random));
  });
  if (!wasLent) return undefined;
  return { packed: packBytes(rewrapped), workedMs: systemClock.monotonic() - startedAt };
}
