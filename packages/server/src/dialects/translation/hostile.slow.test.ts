import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import type { Conversation, JsonObject, Tool } from "../canonical/conversation.ts";
import { pairs, translated } from "./test/provider.ts";
import { wireOf } from "./test/wire.ts";

/* Requests of a size that nobody means. The limit is one that only what grows faster than the request could pass. */

const mostMs = 20_000;

function nested(depth: number): JsonObject {
  let schema: JsonObject = { type: "string" };
  for (let level = 0; level < depth; level++) schema = { type: "object", properties: { a: schema }, required: ["a"] };
  return schema;
}

/** Each definition names the next twice: followed, they are more than there are atoms. */
function doubling(count: number): JsonObject {
  const both = (index: number): JsonObject => ({ $ref: `#/$defs/d${index + 1}` });
  const definitions = Array.from({ length: count }, (_, index) => {
    return [`d${index}`, { type: "object", properties: { a: both(index), b: both(index) } }] as const;
  });
  return {
    type: "object",
    properties: { a: { $ref: "#/$defs/d0" } },
    $defs: { ...Object.fromEntries(definitions), [`d${count}`]: { type: "string" } },
  };
}

const tool = (index: number, parameters: JsonObject): Tool => ({ kind: "function", name: `f${index}`, parameters });
const calls = Array.from({ length: 5_000 }, (_, index) => index);

const large: Readonly<Record<string, Partial<Conversation>>> = {
  "a schema of a hundred levels": { tools: [tool(0, nested(100))] },
  "definitions that double": { tools: [tool(0, doubling(60))] },
  "ten thousand tools": { tools: Array.from({ length: 10_000 }, (_, index) => tool(index, nested(1))) },
  "a text of five megabytes": { turns: [{ role: "user", parts: [{ type: "text", text: "word ".repeat(1_000_000) }] }] },
  "a text of five million blanks": {
    turns: [{ role: "user", parts: [{ type: "text", text: `a${" ".repeat(5_000_000)}b` }] }],
  },
  "five thousand calls, and their results the other way round": {
    turns: [
      ...plainConversation.turns,
      {
        role: "assistant",
        parts: calls.map((index) => ({
          type: "tool_call",
          id: `c${index}`,
          name: "f0",
          kind: "function",
          arguments: "{}",
        })),
      },
      {
        role: "user",
        parts: calls
          .toReversed()
          .map((index) => ({ type: "tool_result", callId: `c${index}`, kind: "function", parts: [], isError: false })),
      },
    ],
  },
  "five thousand turns": {
    turns: calls.map((index) => ({
      role: index % 2 === 0 ? "user" : "assistant",
      parts: [{ type: "text", text: `${index}` }],
    })),
  },
};

for (const [name, more] of Object.entries(large)) {
  test(`${name} is translated or refused, in no more time than it takes`, () => {
    for (const pair of pairs) {
      const body = wireOf(pair.from, { ...plainConversation, ...more });
      const started = performance.now();
      try {
        translated({ ...pair, body });
      } catch (thrown) {
        if (!(thrown instanceof AppError)) throw thrown;
        assert.equal(thrown.status, 400, thrown.message);
      }
      const tookMs = performance.now() - started;
      assert.ok(tookMs < mostMs, `${pair.from} to ${pair.to}: ${Math.round(tookMs)} ms`);
      if (process.env["PORTCULLIS_TEST_TIMES"] !== undefined) console.log(name, pair.from, pair.to, Math.round(tookMs));
    }
  });
}
