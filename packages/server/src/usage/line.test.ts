import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLines, decodeRow, encodeEnd, encodeMoved, encodeStart, textColumns, valuesOf } from "./line.ts";
import { noMedia, noTokens } from "../kernel/tokens.ts";
import { describeLosses } from "./dropped.ts";
import { finalRow, interruptedRow } from "./record.ts";
import { endOf, startOf } from "./test-parts.ts";

const started = interruptedRow(startOf("01jc5x8m3k2v7n4q9w1z6y0abc", { userName: 'Ada "the" Count\\ess 漢' }));
const ended = finalRow(started, endOf("01jc5x8m3k2v7n4q9w1z6y0abc"));

test("lines are read back as they were written", () => {
  const bytes = Buffer.concat([encodeStart(started), encodeEnd(ended), encodeMoved(started.request_id)]);
  const { lines, usedBytes } = decodeLines(bytes);
  const requestId = started.request_id;
  assert.deepEqual(lines.slice(1), [
    { kind: "end", requestId, values: valuesOf(ended) },
    { kind: "moved", requestId },
  ]);
  assert.ok(lines[0]?.kind === "start" && lines[0].requestId === requestId);
  assert.deepEqual(decodeRow(lines[0].json), valuesOf(started));
  assert.equal(usedBytes, bytes.length);
});

test("a line torn at any byte is not taken for a whole one, and does not harm the one before", () => {
  const [first, second] = [encodeStart(started), encodeEnd(ended)];
  for (let length = 0; length < second.length; length++) {
    const { lines, usedBytes } = decodeLines(Buffer.concat([first, second.subarray(0, length)]));
    assert.deepEqual([lines.length, usedBytes], [1, first.length], `torn at ${length}`);
  }
});

test("a line written over the remains of a torn one at any byte is read, and so is what follows", () => {
  const [first, second] = [encodeStart(started), encodeEnd(ended)];
  for (let length = 0; length <= second.length; length++) {
    const file = Buffer.alloc(second.length + first.length);
    second.copy(file, 0, 0, length);
    first.copy(file, 0);
    const { lines } = decodeLines(file);
    assert.equal(lines[0]?.kind, "start", `torn at ${length}`);
  }
});

test("any changed byte is noticed, and costs that line alone", () => {
  const [first, second, third] = [encodeStart(started), encodeEnd(ended), encodeMoved("01b")];
  const whole = Buffer.concat([first, second, third]);
  const property = fc.property(fc.nat(second.length - 2), fc.integer({ min: 1, max: 255 }), (offset, change) => {
    const bytes = Buffer.from(whole);
    const at = first.length + offset;
    bytes[at] = (bytes[at] ?? 0) ^ change;
    const kinds = decodeLines(bytes).lines.map((line) => line.kind);
    assert.deepEqual([kinds[0], kinds.at(-1)], ["start", "moved"]);
    assert.ok(kinds.length > 2 && kinds.slice(1, -1).every((kind) => kind === "damaged"));
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("a page of zeros before a line is passed over", () => {
  const { lines } = decodeLines(Buffer.concat([encodeStart(started), Buffer.alloc(4_096), encodeEnd(ended)]));
  assert.deepEqual(
    lines.map((line) => line.kind),
    ["start", "end"],
  );
});

const jsonIn = (line: Buffer): string => line.toString("utf8", 11).trim();

test("a row with another number of columns is not guessed at", () => {
  const json = jsonIn(encodeEnd(ended));
  assert.deepEqual(decodeRow(json), valuesOf(ended));
  const longer = [2, 7, 8, 10, 12].map((count) => json.replace("]", `${",1".repeat(count)}]`));
  for (const other of ["[]", "{}", "null", "[1", `[${json}]`, ...longer, json.replace("20345", "[]")]) {
    assert.equal(decodeRow(other), undefined, other);
  }
});

test("what a request did not use takes no room in its line, and is there when it is read", () => {
  const plain = endOf("01a");
  const unasked = endOf("01a", { attempts: 0, upstreamDialect: null });
  const answered = { ...plain, responseId: "resp_1" };
  const media = { ...noMedia, inputAudio: 1, outputAudio: 2, inputImage: 3, outputImage: 4, images: 5 };
  const spoken = { ...plain, tokens: { ...noTokens, media: { ...media, characters: 6, audioMs: 7, searches: 8 } } };
  const ends = [plain, unasked, answered, spoken];
  const values = ends.map((end) => JSON.parse(jsonIn(encodeEnd(finalRow(started, end)))));
  assert.deepEqual(
    values.map(({ length }) => length),
    [32, 32, 33, 41],
  );
  assert.deepEqual(values[3].slice(32), [null, 1, 2, 3, 4, 5, 6, 7, 8]);
  for (const end of ends) {
    const row = finalRow(started, end);
    assert.deepEqual(decodeRow(jsonIn(encodeEnd(row))), valuesOf(row));
  }
});

test("a line of a version that knew only its first columns is read", () => {
  const old = [...Array.from({ length: 31 }, (_, index) => `value ${index}`), 1];
  assert.deepEqual(decodeRow(JSON.stringify(old)), [...old, null, "value 10", null]);
  assert.equal(textColumns.length, 35);
});

test("what a translation did stands behind all that a line may hold, and is there when it is read", () => {
  const dropped = describeLosses([{ path: 'say "é"', kind: "dropped" }]);
  const media = { ...noTokens, media: { ...noMedia, images: 5 } };
  const translated = endOf("01a", { upstreamDialect: "openai-chat" });
  const ends = [
    translated,
    endOf("01a", { dropped }),
    { ...translated, dropped, responseId: "resp_1" },
    { ...translated, dropped, tokens: media },
    endOf("01a", { attempts: 0, upstreamDialect: null, dropped }),
    endOf("01a", { upstreamDialect: null }),
  ];
  for (const end of ends) {
    const row = finalRow(started, end);
    const json = jsonIn(encodeEnd(row));
    assert.equal(JSON.parse(json).length, 43);
    assert.deepEqual(JSON.parse(json).slice(41), [end.upstreamDialect, end.dropped]);
    assert.deepEqual(decodeRow(json), valuesOf(row));
  }
});

test("a line of any version says in what a provider was asked, as far as one was", () => {
  const first = (outcome: string, attempts: number): (string | number)[] =>
    Array.from({ length: 32 }, (_, index) => (index === 17 ? outcome : index === 31 ? attempts : `value ${index}`));
  const media = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const [outcome, attempts, asked] of [
    ["ok", 1, "value 10"],
    ["refused", 0, null],
    ["interrupted", 1, null],
  ] as const) {
    const values = first(outcome, attempts);
    const read = (...more: readonly (string | number | null)[]) => decodeRow(JSON.stringify([...values, ...more]));
    assert.deepEqual(read(), [...values, null, asked, null]);
    assert.deepEqual(read("resp_1"), [...values, "resp_1", asked, null]);
    assert.deepEqual(read(null, ...media), [...values, null, asked, null, ...media]);
    assert.deepEqual(read(null, ...media, "gemini", "[]"), [...values, null, "gemini", "[]", ...media]);
  }
});
