import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { openRecord, sealRecord, type RecordPlace } from "../envelope.ts";
import { keySizeBytes, systemRandom } from "../key-material.ts";
import { startRewrapThread, type SealedRecord } from "./rewrap-thread.ts";
import { origin, refOf, valueOf } from "./test-parts.ts";

const keks = new Map([1, 2, 5].map((term) => [term, systemRandom(keySizeBytes)]));
const kekOf = (term: number): Buffer => keks.get(term) ?? assert.fail();

function placeAt(index: number): RecordPlace {
  return { ...refOf(index), version: index + 1, term: 1 + (index % 2), origins: [origin] };
}

function recordsUpTo(count: number): readonly SealedRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const place = placeAt(index);
    return { ...place, sealed: sealRecord(kekOf(place.term), place, Buffer.from(valueOf(index))) };
  });
}

const silent = (error: unknown): void => assert.fail(String(error));

function opened(index: number, sealed: Uint8Array | undefined): string | undefined {
  return sealed && openRecord(kekOf(5), { ...placeAt(index), term: 5 }, sealed)?.toString();
}

test("what the thread re-wraps opens under the new term, in the order in which it was given", async () => {
  const thread = startRewrapThread(keks, 5, silent);
  const records = recordsUpTo(40);
  const answers = await Promise.all([0, 10, 20, 30].map((at) => thread.rewrap(records.slice(at, at + 10))));
  const sealed = answers.flatMap((answer) => answer.sealed);
  assert.deepEqual(
    sealed.map((each, index) => opened(index, each)),
    records.map((_, index) => valueOf(index)),
  );
  assert.ok(answers.every(({ workedMs }) => workedMs > 0));
  thread.end();
});

test("a record that does not open is told apart from the others, whatever is wrong with it", async () => {
  const thread = startRewrapThread(keks, 5, silent);
  const records = recordsUpTo(5);
  const [first, second, third] = records as [SealedRecord, SealedRecord, SealedRecord];
  const wrong: readonly SealedRecord[] = [
    { ...first, sealed: first.sealed.with(70, (first.sealed[70] ?? 0) ^ 1) },
    { ...second, id: "another" },
    { ...third, term: 4 },
    { ...third, sealed: new Uint8Array(0) },
  ];
  const { sealed } = await thread.rewrap([...wrong, ...records.slice(4)]);
  assert.deepEqual(sealed.slice(0, wrong.length), [undefined, undefined, undefined, undefined]);
  assert.equal(opened(4, sealed[wrong.length]), valueOf(4));
  thread.end();
});

test("ended in the middle of its work it has no key any more, answers nothing, and takes nothing", async () => {
  const thread = startRewrapThread(keks, 5, silent);
  await thread.rewrap(recordsUpTo(1));
  const answer = thread.rewrap(recordsUpTo(2_000)).then(
    () => "answered",
    () => "rejected",
  );
  const words = new Int32Array(thread.keys.memory, 0, 2);
  while (Atomics.load(words, 1) === 0) await pause(0);
  thread.end();
  assert.deepEqual([...words], [1, 0], "the keys are taken back, and it is not at work");
  assert.deepEqual(Buffer.from(thread.keys.memory, 8), Buffer.alloc(keks.size * keySizeBytes));
  assert.equal(await answer, "rejected");
  await assert.rejects(thread.rewrap(recordsUpTo(1)));
  assert.ok(thread.ended);
});

test("a thread that dies says why, is taken its keys, and leaves nobody waiting", async () => {
  const told = Promise.withResolvers<unknown>();
  const thread = startRewrapThread(keks, 5, told.resolve);
  const [record] = recordsUpTo(1) as [SealedRecord];
  const broken = { ...record, origins: null as unknown as readonly string[] }; // nothing like this ever comes out of a store
  const answers = await Promise.allSettled([thread.rewrap([record, broken]), thread.rewrap([record])]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.ok((await told.promise) instanceof Error);
  assert.ok(thread.ended);
  assert.deepEqual(Buffer.from(thread.keys.memory, 8), Buffer.alloc(keks.size * keySizeBytes));
});

test("a thread that has ended keeps no process alive", async () => {
  const module = JSON.stringify(new URL("./rewrap-thread.ts", import.meta.url).href);
  const code = `import(${module}).then(({ startRewrapThread }) => {
    const thread = startRewrapThread(new Map([[1, new Uint8Array(32)]]), 1, () => {});
    thread.rewrap([]).then(() => thread.end());
  });`;
  const [exitCode] = (await once(new Worker(code, { eval: true }), "exit")) as [number];
  assert.equal(exitCode, 0);
});
