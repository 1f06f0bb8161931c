import assert from "node:assert/strict";
import { test } from "node:test";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector, eventsOf, isFailure } from "./collect.ts";
import type { Reply, ReplyEvent } from "./reply.ts";
import { legalOrder } from "./test-parts.ts";

const reply: Reply = {
  id: "r1",
  parts: [
    { type: "thinking", text: "Hm.", state: { dialect: "gemini", provider: "p", data: "s" } },
    { type: "thinking", text: "", state: { dialect: "gemini", provider: "p", data: "t" } },
    { type: "text", text: "Yes.", citations: [{ url: "https://example.com" }] },
    { type: "tool_call", id: "c1", name: "f", kind: "function", arguments: "" },
    { type: "tool_call", id: "c2", name: "g", kind: "custom", arguments: "any" },
    { type: "refusal", text: "No." },
  ],
  finish: { reason: "tool_calls" },
  usage: { ...noTokens, input: 3, output: 4 },
};

function collected(events: readonly ReplyEvent[]): Collector {
  const collector = new Collector();
  for (const event of events) collector.push(event);
  return collector;
}

test("a whole reply as events is in order, and put together it is the same reply", () => {
  const events = eventsOf(reply);
  legalOrder(events);
  assert.deepEqual(collected(events).end, reply);
});

test("a reply without an id stays without", () => {
  const { id: _id, ...same } = reply;
  assert.deepEqual(collected(eventsOf(same)).end, same);
});

test("before the end there is no reply, and a failure is all there is of a reply that fails", () => {
  const events = eventsOf(reply);
  assert.equal(collected(events.slice(0, -1)).end, undefined);
  const failure = { kind: "server", status: 200, message: "" } as const;
  const { end } = collected([...events.slice(0, -2), { type: "failure", failure }]);
  assert.ok(end !== undefined && isFailure(end));
  assert.deepEqual(end, failure);
});
