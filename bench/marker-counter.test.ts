import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeOf, type ExchangeSpec } from "./exchanges.ts";
import { MarkerCounter } from "./marker-counter.ts";

test("every text is counted once, wherever the body is cut", () => {
  const text = Buffer.from('{"word 1 "} wor wword word 2 word ');
  for (let size = 1; size <= text.length; size += 1) {
    const counter = new MarkerCounter();
    for (let at = 0; at < text.length; at += size) counter.take(text.subarray(at, at + size));
    assert.equal(counter.count, 4, `in pieces of ${size}`);
  }
});

test("a stream has a text in every event but those that open and close it", () => {
  const stream = (dialect: "openai-chat" | "anthropic-messages"): ExchangeSpec => ({
    kind: "stream",
    dialect,
    events: 100,
    perChunk: 10,
  });
  assert.equal(exchangeOf(stream("anthropic-messages")).reply.markers, 95);
  assert.equal(exchangeOf(stream("openai-chat")).reply.markers, 96);
});

test("no request holds the text that marks a reply", () => {
  for (const kilobytes of [200, 2_000]) {
    const { request } = exchangeOf({ kind: "coding", kilobytes });
    assert.equal(request.includes("word "), false);
    assert.ok(Math.abs(request.length / 1_000 / kilobytes - 1) < 0.03, `${kilobytes} KB came out as ${request.length}`);
  }
});
