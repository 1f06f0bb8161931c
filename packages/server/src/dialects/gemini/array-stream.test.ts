import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { heldBytes } from "../../../test/support/held-memory.ts";
import { noTokens } from "../../kernel/tokens.ts";
import type { UsageReading } from "../dialect.ts";
import { createStreamReader } from "./usage.ts";

const fixtures = join(import.meta.dirname, "../../../test/fixtures/gemini");
const names = globSync("*.sse", { cwd: fixtures });

function chunksOf(name: string): readonly unknown[] {
  const text = readFileSync(join(fixtures, name), "utf8");
  return text.split("\n\n").flatMap((event) => (event === "" ? [] : [JSON.parse(event.slice("data: ".length))]));
}

/** As Google frames a stream that is asked for without `alt=sse`: indented, a comma on a line of its own. */
function arrayOf(chunks: readonly unknown[]): Buffer {
  const elements = chunks.map((chunk) => JSON.stringify(chunk, null, 2));
  return Buffer.from(`[${elements.join("\n,\r\n")}\n]`);
}

function read(framing: "sse" | "json-array", pieces: readonly Buffer[]): UsageReading {
  const reader = createStreamReader(framing);
  for (const piece of pieces) reader.push(piece);
  return reader.end();
}

/** A reading without the length of the text, whose escapes differ from writer to writer, and without the end mark. */
function said({ outputBytes: _bytes, complete: _complete, ...rest }: UsageReading): object {
  return rest;
}

describe("a stream that is one JSON array", () => {
  for (const name of names) {
    const bytes = arrayOf(chunksOf(name));
    const whole = read("json-array", [bytes]);

    test(`says the same as the events of ${name}, and is whole at its bracket`, () => {
      assert.deepEqual(said(whole), said(read("sse", [readFileSync(join(fixtures, name))])));
      assert.equal(whole.complete, true);
    });

    test(`is read wherever it is split (${name})`, () => {
      for (let place = 0; place <= bytes.length; place++) {
        const pieces = [bytes.subarray(0, place), bytes.subarray(place)];
        assert.deepEqual(read("json-array", pieces), whole, `split at ${place}`);
      }
      const single = [...bytes.keys()].map((at) => bytes.subarray(at, at + 1));
      assert.deepEqual(read("json-array", single), whole, "byte by byte");
    });

    test(`cut off anywhere is not whole and counts no more (${name})`, () => {
      for (let end = 0; end < bytes.length; end++) {
        const found = read("json-array", [bytes.subarray(0, end)]);
        assert.equal(found.complete, false, `cut at ${end}`);
        assert.ok((found.tokens?.output ?? 0) <= (whole.tokens?.output ?? 0), `cut at ${end}`);
        assert.ok(found.outputBytes <= whole.outputBytes, `cut at ${end}`);
      }
    });
  }

  test("an error among the elements is a failure", () => {
    const found = read("json-array", [arrayOf([{ error: { code: 503, message: "busy", status: "UNAVAILABLE" } }])]);
    assert.equal(found.failure, "UNAVAILABLE");
  });

  test("never throws, whatever comes", () => {
    const junk = fc.array(
      fc.oneof(fc.constantFrom("[", "]", "{", "}", ",", '"', "\\", '{"a":1}', "null"), fc.string()),
    );
    fc.assert(
      fc.property(junk, (parts) => {
        assert.equal(
          read(
            "json-array",
            parts.map((part) => Buffer.from(part)),
          ).tokens,
          undefined,
        );
      }),
      { numRuns: 500 },
    );
  });

  test("takes bounded memory for an element without end", async () => {
    const reader = createStreamReader("json-array");
    const before = await heldBytes();
    reader.push(Buffer.from('[{"candidates": ["'));
    for (let count = 0; count < 320; count++) reader.push(Buffer.alloc(65_536, "x"));
    const held = (await heldBytes()) - before;
    assert.ok(held < 16 * 1024 * 1024, `${held} bytes are held`);
    assert.equal(reader.end().complete, false);
  });
});

describe("a chunk too large to hold", () => {
  const pieces = (open: string, close: string): readonly Buffer[] => [
    Buffer.from(`${open}{"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": "image/png","data": "`),
    ...Array.from({ length: 90 }, () => Buffer.alloc(65_536, "x")),
    Buffer.from(
      `"}}],"role": "model"},"finishReason": "STOP"}],"usageMetadata": {"promptTokenCount": 7,"candidatesTokenCount": 1290},"modelVersion": "m"}${close}`,
    ),
  ];

  for (const [framing, open, close] of [
    ["sse", "data: ", "\r\n\r\n"],
    ["json-array", "[", "\n]"],
  ] as const) {
    test(`states its usage and its end all the same (${framing})`, () => {
      const { tokens, stopReason, complete, outputBytes, model } = read(framing, pieces(open, close));
      assert.deepEqual(tokens, { ...noTokens, input: 7, output: 1290 });
      assert.deepEqual([stopReason, complete, outputBytes, model], ["STOP", true, 0, "m"]);
    });
  }
});
