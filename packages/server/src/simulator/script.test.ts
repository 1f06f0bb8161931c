import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseScript, type Script, scriptHeaders } from "./script.ts";

const parseHeader = (script: Script): Script => parseScript(JSON.parse(scriptHeaders(script)["x-simulator"]));

test("a script reads the same after its trip through a header", () => {
  const script: Script = {
    status: 429,
    retryAfterSeconds: 2,
    usage: { input: 1, cacheWrite1h: 2, cacheRead: 3 },
    toolCalls: [{ name: "a_b", arguments: { someKey: [1], other_key: "ü" } }],
    omit: ["usage", "end"],
    headers: { "X-Custom_Name": "1" },
    dropAtByte: 7,
    drop: "reset",
  };
  assert.deepEqual(parseHeader(script), script);
});

test("any text fits into the header", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const header = scriptHeaders({ text })["x-simulator"];
      assert.match(header, /^[\x20-\x7e]*$/);
      assert.deepEqual(parseHeader({ text }), { text });
    }),
  );
});

test("on the wire the names are in snake case", () => {
  assert.equal(
    scriptHeaders({ paceMs: 5, usage: { cacheWrite1h: 1 } })["x-simulator"],
    '{"pace_ms":5,"usage":{"cache_write_1h":1}}',
  );
});

for (const [script, expected] of [
  [{ pace: 5 }, /no option `pace`/],
  [{ pace_ms: -1 }, /`pace_ms` must be a whole number/],
  [{ status: 99 }, /`status` must be an HTTP status/],
  [{ newline: "lfcr" }, /`newline` must be lf, crlf, cr/],
  [{ usage: { tokens: 1 } }, /`usage` must be an object of token counters/],
  [{ headers: { "a b": "c" } }, /`headers` must be an object of header names/],
  [{ redirect: "/a\r\nset-cookie: b" }, /`redirect` must be a string that may stand in a header/],
  [{ tool_calls: [{ name: "a" }] }, /`tool_calls` must be a list/],
  [{ constructor: 1 }, /no option `constructor`/],
  ["text", /must be a JSON object/],
] as const) {
  test(`${JSON.stringify(script)} is refused by name`, () => {
    assert.throws(() => parseScript(script), { code: "invalid_request", message: expected });
  });
}
