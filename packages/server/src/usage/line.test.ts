import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeLines, decodeRow, encodeEnd, encodeMoved, encodeStart, textColumns, valuesOf } from "./line.ts";
import { noMedia, noTokens } from "../kernel/tokens.ts";
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
  const longer = [2, 7, 8, 10, 11].map((count) => json.replace("]", `${",1".repeat(count)}]`));
  for (const other of ["[]", "{}", "null", "[1", `[${json}]`, ...longer, json.replace("20345", "[]")]) {
    assert.equal(decodeRow(other), undefined, other);
  }
});

test("what a request did not use takes no room in its line, and is there when it is read", () => {
  const plain = endOf("01a");
  const answered = { ...plain, responseId: "resp_1" };
  const media = { ...noMedia, inputAudio: 1, outputAudio: 2, inputImage: 3, outputImage: 4, images: 5 };
  const spoken = { ...plain, tokens: { ...noTokens, media: { ...media, characters: 6, audioMs: 7, searches: 8 } } };
  const values = [plain, answered, spoken].map((end) => JSON.parse(jsonIn(encodeEnd(finalRow(started, end)))));
  assert.deepEqual(
    values.map(({ length }) => length),
    [32, 33, 41],
  );
  assert.deepEqual(values[2].slice(32), [null, 1, 2, 3, 4, 5, 6, 7, 8]);
  for (const end of [plain, answered, spoken]) {
    const row = finalRow(started, end);
    assert.deepEqual(decodeRow(jsonIn(encodeEnd(row))), valuesOf(row));
  }
});

test("a line of a version that knew only its first columns is read", () => {
  const old = [...Array.from({ length: 31 }, (_, index) => `value ${index}`), 1];
  assert.deepEqual(decodeRow(JSON.stringify(old)), [...old, null]);
  assert.equal(textColumns.length, 33);
});
