import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "./errors.ts";
import { createSseReader, type ServerEvent } from "./sse.ts";

function eventsOf(chunks: readonly (string | Buffer)[], maxEventBytes = 10_000): ServerEvent[] {
  const reader = createSseReader(maxEventBytes);
  return [...chunks.flatMap((chunk) => reader.push(Buffer.from(chunk))), ...reader.end()];
}

const message = (data: string): ServerEvent => ({ name: "message", data });

test("an event has a name and data", () => {
  assert.deepEqual(eventsOf(['event: ping\ndata: {"type":"ping"}\n\ndata: two\n\n']), [
    { name: "ping", data: '{"type":"ping"}' },
    message("two"),
  ]);
});

test("one space behind the colon is not part of the value, a second one is", () => {
  assert.deepEqual(eventsOf(["data:a\n\ndata: b\n\ndata:  c\n\n"]), [message("a"), message("b"), message(" c")]);
});

test("several data lines are one value, and a bare field is an empty one", () => {
  assert.deepEqual(eventsOf(["data: a\ndata\ndata:\ndata: b\n\n"]), [message("a\n\n\nb")]);
  assert.deepEqual(eventsOf(["data\n\n"]), [message("")]);
});

test("comments, ids, retry times and unknown fields are passed over", () => {
  assert.deepEqual(
    eventsOf([": OPENROUTER PROCESSING\n\nid: 7\nretry: 10\ndatabase: x\ndata : y\nevents: z\ndata: a\n:\n\n"]),
    [message("a")],
  );
});

test("an event without data is none, and leaves no name behind", () => {
  assert.deepEqual(eventsOf(["event: lost\n\ndata: a\n\n"]), [message("a")]);
});

test("a stream that ends without the last blank line, or line end, still gives its last event", () => {
  assert.deepEqual(eventsOf(["data: a\n\ndata: b"]), [message("a"), message("b")]);
  assert.deepEqual(eventsOf(["event: x\ndata: b\n"]), [{ name: "x", data: "b" }]);
  assert.deepEqual(eventsOf(["data: a\n\nevent: x"]), [message("a")]);
});

test("any split of the bytes, and any line end, gives the same events", () => {
  const line = fc.oneof(
    fc.constantFrom("", "", ": comment", "event: message_start", "event:x", "data", "data:", "id: 1", "retry: 5"),
    fc.string({ unit: "grapheme" }).map((text) => `data: ${text.replaceAll(/[\r\n]/g, "")}`),
  );
  const stream = fc.record({
    mark: fc.constantFrom("", "\ufeff"),
    lines: fc.array(line, { maxLength: 12 }),
    cuts: fc.array(fc.nat(), { maxLength: 10 }),
  });
  fc.assert(
    fc.property(stream, fc.constantFrom("\n", "\r\n", "\r"), ({ mark, lines, cuts }, lineEnd) => {
      const expected = eventsOf([lines.map((text) => `${text}\n`).join("")]);
      const bytes = Buffer.from(mark + lines.map((text) => text + lineEnd).join(""));
      const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
        (one, other) => one - other,
      );
      assert.deepEqual(eventsOf(places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place))), expected);
      assert.deepEqual(eventsOf([...bytes].map((byte) => Buffer.from([byte]))), expected);
    }),
    { numRuns: 1_000 },
  );
});

test("an event past the limit is refused, in one line, in many, and without an end", () => {
  const isTooLarge = (thrown: unknown) => thrown instanceof AppError && thrown.code === "event_too_large";
  const long = `data: ${"x".repeat(60)}`;
  assert.throws(() => eventsOf([`${long}\n\n`], 50), isTooLarge);
  assert.throws(() => eventsOf([...`${long}\n\n`], 50), isTooLarge);
  assert.throws(() => eventsOf(["data: 0123456789\n".repeat(5)], 50), isTooLarge);
  assert.throws(
    () =>
      eventsOf(
        Array.from({ length: 60 }, () => "x"),
        50,
      ),
    isTooLarge,
  );
  assert.equal(eventsOf([": keep-alive\n".repeat(100), "data: a\n\n"], 50).length, 1);
});
