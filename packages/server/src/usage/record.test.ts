import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { noMedia, noTokens } from "../kernel/tokens.ts";
import { columns, decodeLines, encodeEnd, encodeStart } from "./line.ts";
import { endSlackBytes, finalRow, interruptedRow } from "./record.ts";
import { endOf, startOf } from "./test-parts.ts";

test("a request that only started is charged the floor of its input, and says so", () => {
  const row = interruptedRow(startOf("01a"));
  assert.equal(row.outcome, "interrupted");
  assert.equal(row.usage_source, "estimated");
  assert.deepEqual([row.input_tokens, row.output_tokens, row.cost_micros], [5_086, 0, 15_258]);
  assert.deepEqual([row.ended_at, row.status, row.latency_ms], [null, null, null]);
});

test("an unknown price stays unknown", () => {
  const started = interruptedRow(startOf("01a", { floorCostMicros: null }));
  assert.equal(started.cost_micros, null);
  assert.equal(finalRow(started, endOf("01a", { costMicros: null })).cost_micros, null);
});

test("the end decides what the start could only plan", () => {
  const started = interruptedRow(startOf("01a"));
  const row = finalRow(started, endOf("01a", { provider: "openrouter", credentialId: "cred_2", model: "other" }));
  assert.deepEqual([row.provider, row.credential_id, row.model], ["openrouter", "cred_2", "other"]);
  assert.deepEqual([row.requested_model, row.key_id], [started.requested_model, started.key_id]);
  assert.deepEqual(
    [row.input_tokens, row.cache_read_tokens, row.latency_ms, row.first_byte_ms],
    [5_100, 1_000, 1_234, 301],
  );
});

test("every column of a row is written, and nothing else that a caller may have passed along", () => {
  const prompt = { prompt: "canary-prompt", headers: { authorization: "canary-secret" }, ip: "canary-address" };
  const started = interruptedRow({ ...startOf("01a"), ...prompt });
  const tokens = { ...noTokens, media: noMedia };
  const row = finalRow(started, { ...endOf("01a", { tokens }), ...prompt });
  assert.deepEqual(Object.keys(row).sort(), [...columns].sort());
  assert.equal(`${encodeStart(started).toString()}${encodeEnd(row).toString()}`.includes("canary"), false);
});

const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 400 }),
  fc.string({ unit: "grapheme", maxLength: 400 }),
  fc.constantFrom(
    "\u0000".repeat(300),
    "\ud800".repeat(300),
    '"'.repeat(300),
    "\\".repeat(300),
    "漢".repeat(300),
    "😀".repeat(150),
  ),
);
const anyNumber = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }));

test("an end's line is never longer than the room that was set aside for it", () => {
  const property = fc.property(
    text,
    text,
    text,
    text,
    anyNumber,
    fc.maxSafeNat(),
    (model, provider, credentialId, errorCode, number, count) => {
      const started = interruptedRow(
        startOf("01a", { model: null, provider: null, credentialId: null, requestedModel: model }),
      );
      const tokens = Object.fromEntries(
        Object.keys(noTokens).map((name) => [name, number]),
      ) as unknown as typeof noTokens;
      const media = Object.fromEntries(Object.keys(noMedia).map((name) => [name, count])) as unknown as typeof noMedia;
      const numbers = { status: number, costMicros: number, latencyMs: number, firstByteMs: number, endedAt: number };
      const more = { responseBytes: number, attempts: number, outcome: "upstream_error" as const };
      const texts = { model, provider, credentialId, errorCode, responseId: model, upstreamDialect: errorCode };
      const end = endOf("01a", { ...texts, tokens: { ...tokens, media }, ...numbers, ...more });
      const [startLine, endLine] = [encodeStart(started), encodeEnd(finalRow(started, end))];
      assert.ok(endLine.length <= startLine.length + endSlackBytes, `${endLine.length} > ${startLine.length} + slack`);
      assert.equal(decodeLines(endLine).lines[0]?.kind, "end");
    },
  );
  fc.assert(property, { numRuns: 300 });
});

test("texts come out short, without control characters or halves of characters, and otherwise as they were", () => {
  const model = (name: string) => interruptedRow(startOf("01a", { model: name })).model;
  assert.equal(model("claude-sonnet-4-5"), "claude-sonnet-4-5");
  assert.equal(model('a "quoted" \\ name – 漢字 😀'), 'a "quoted" \\ name – 漢字 😀');
  assert.equal(model("a\u0000b\nc"), "a\ufffdb\ufffdc");
  const property = fc.property(text, (name) => {
    const kept = model(name) ?? "";
    assert.ok(Buffer.byteLength(JSON.stringify(kept)) <= 202);
    assert.ok(kept.isWellFormed() && !/\p{Cc}/u.test(kept));
  });
  fc.assert(property, { numRuns: 300 });
});
