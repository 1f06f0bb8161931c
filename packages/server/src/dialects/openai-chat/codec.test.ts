import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createSseReader } from "../../kernel/sse.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import type { AssistantPart, Citation } from "../canonical/conversation.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { Finish, Reply, ReplyEvent } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { openaiChatCodec } from "./codec.ts";
import { contextWith, origin, replyOf } from "./test-parts.ts";

/*
 * What is written for a caller, read as if a provider had sent it. States are sealed for callers, so they are left out here; they
 * have tests of their own.
 */

const words = fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }).filter((text) => text.trim() !== "");
const json = fc.json().filter((text) => text.startsWith("{"));
const call = fc
  .tuple(fc.constantFrom("f", "g"), fc.oneof(json, fc.constantFrom("{}", '{"broken', "*** patch")))
  .map(([name, text]) => ({ name, text }));

/** A message holds the reasoning, then the text, then calls; so does what comes back. */
const reply = fc
  .record({
    thought: fc.option(words),
    said: fc.option(words),
    cited: fc.boolean(),
    calls: fc.array(call, { maxLength: 3 }),
    isCut: fc.boolean(),
    usage: fc.option(fc.tuple(fc.nat(1000), fc.nat(1000), fc.nat(1000))),
  })
  .map(({ thought, said, cited, calls, isCut, usage }): Reply => {
    const citations: readonly Citation[] = [{ url: "https://example.com/", title: "E", start: 0, end: 1 }];
    const parts: AssistantPart[] = [];
    if (thought !== null) parts.push({ type: "thinking", text: thought });
    if (said !== null) parts.push({ type: "text", text: said, ...(cited && { citations }) });
    for (const [index, { name, text }] of calls.entries())
      parts.push({ type: "tool_call", id: `call_${index}`, name, kind: "function", arguments: text });
    const finish: Finish = { reason: isCut ? "length" : calls.length > 0 ? "tool_calls" : "end" };
    return { id: "chatcmpl-req_1", parts, finish, usage: usage === null ? undefined : tokens(...usage) };
  });

function tokens(input: number, cacheRead: number, output: number): TokenUsage {
  return { input, output, cacheRead, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };
}

function readBack(text: string): readonly ReplyEvent[] {
  const reader = createSseReader(1 << 20);
  const decoder = openaiChatCodec.createStreamDecoder(origin);
  const frames = [...reader.push(Buffer.from(text)), ...reader.end()];
  const events = [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
  legalOrder(events);
  return events;
}

describe("what is written is what is read", () => {
  test("of a whole reply", () => {
    fc.assert(
      fc.property(reply, (given) => {
        const body: unknown = JSON.parse(JSON.stringify(openaiChatCodec.encodeReply(given, contextWith())));
        assert.deepEqual(openaiChatCodec.decodeReply(body as Record<string, unknown>, origin), given);
      }),
    );
  });

  test("of a stream", () => {
    fc.assert(
      fc.property(reply, (given) => {
        const encoder = openaiChatCodec.createStreamEncoder(contextWith({ echo: { includesUsage: true } }));
        const text = eventsOf(given)
          .map((event) => encoder.push(event))
          .join("");
        assert.deepEqual(replyOf(readBack(text)), given);
      }),
    );
  });

  test("of a stream in small pieces, piece by piece", () => {
    const events: readonly ReplyEvent[] = [
      { type: "start", id: "chatcmpl-req_1" },
      { type: "block_start", block: { type: "thinking" } },
      { type: "block_delta", text: "h" },
      { type: "block_delta", text: "m" },
      { type: "block_end" },
      { type: "block_start", block: { type: "text" } },
      { type: "block_delta", text: "I " },
      { type: "block_delta", text: "look" },
      { type: "block_end" },
      { type: "block_start", block: { type: "tool_call", id: "a", name: "f", kind: "function" } },
      { type: "block_delta", text: '{"x"' },
      { type: "block_delta", text: ":1}" },
      { type: "block_end" },
      { type: "block_start", block: { type: "tool_call", id: "b", name: "patch", kind: "custom" } },
      { type: "block_delta", text: "***" },
      { type: "block_end" },
      { type: "finish", finish: { reason: "tool_calls" }, usage: undefined },
    ];
    const encoder = openaiChatCodec.createStreamEncoder(contextWith());
    assert.deepEqual(readBack(events.map((event) => encoder.push(event)).join("")), events);
  });
});
