import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DialectId } from "../dialect.ts";
import { translateConversationReply, type ConversationReplyJob } from "./conversation-reply.ts";
import { framingOf } from "./test/provider.ts";

function jobFor(from: DialectId, to: DialectId, reply: object, how: Partial<ConversationReplyJob> = {}) {
  return {
    body: Buffer.from(JSON.stringify(reply)),
    cameAsStream: false,
    asStream: false,
    from,
    to,
    origin: { provider: "sim", requestId: "req1" },
    changedTools: new Map(),
    context: {
      requestId: "req1",
      createdAt: 1_700_000_000,
      model: "asked",
      framing: framingOf(to),
      echo: { store: true },
      tools: [],
      estimatedInput: 10,
    },
    sealKey: Buffer.alloc(32, 7),
    remembers: true,
    mostKept: 1_000,
    ...how,
  } satisfies ConversationReplyJob;
}

/** As it is in another thread. */
function made(job: ConversationReplyJob) {
  const result = structuredClone(translateConversationReply(structuredClone(job)));
  return "failure" in result ? assert.fail(JSON.stringify(result.failure)) : result;
}

const thinking = {
  type: "message",
  role: "assistant",
  content: [
    { type: "thinking", thinking: "It rains.", signature: "EqQBCkYIBxgCKkBt" },
    { type: "text", text: "I look." },
    { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
  ],
  stop_reason: "tool_use",
  usage: { input_tokens: 3, output_tokens: 5 },
};

for (const asStream of [false, true]) {
  describe(`a gathered reply, ${asStream ? "as the stream that was asked for" : "as one document"}`, () => {
    test("brings along what was thought before a call, where that is asked for", () => {
      const job = jobFor("anthropic-messages", "openai-chat", thinking, { asStream });
      const { body, thoughts } = made(job);
      assert.match(Buffer.from(body).toString(), /I look\./);
      assert.equal(thoughts.length, 1);
      assert.equal(thoughts[0]?.[1][0]?.text, "It rains.");
      assert.deepEqual(made({ ...job, remembers: false }).thoughts, []);
      assert.deepEqual(made({ ...job, mostKept: 8 }).thoughts, []);
    });

    test("brings along the items that the caller may refer to", () => {
      const job = jobFor("anthropic-messages", "openai-responses", thinking, { asStream });
      const { body, items } = made(job);
      const text = Buffer.from(body).toString();
      assert.ok(items.length > 0);
      for (const [id, item] of items) {
        assert.ok(text.includes(id));
        assert.equal((JSON.parse(item) as { id: string }).id, id);
      }
      assert.deepEqual(made({ ...job, mostKept: 8 }).items, []);
    });

    test("is a failure if a call in it could not be read, and nothing of it is an answer", () => {
      const candidate = { content: { parts: [{ text: "I look." }] }, finishReason: "MALFORMED_FUNCTION_CALL" };
      const job = jobFor("gemini", "anthropic-messages", { candidates: [candidate] }, { asStream });
      const result = translateConversationReply(job);
      assert.equal("failure" in result && result.failure.kind, "overloaded");
    });
  });
}
