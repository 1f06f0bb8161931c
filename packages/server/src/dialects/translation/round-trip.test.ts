import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { conversations } from "./test/conversations.ts";
import { differences, manners } from "./test/differences.ts";
import { dialectIds, paths, targetOf } from "./test/provider.ts";
import { runs } from "./test/runs.ts";

/** As encoders get it; instructions before the first turn are the system's, as some dialects have it. */
function ordered(id: DialectId, conversation: Conversation): Conversation {
  const { turns, system, ...rest } = inOrder(conversation, new Losses());
  const found = turns.findIndex(({ role }) => role !== "system");
  const leading = turns.slice(0, found).flatMap((turn) => (turn.role === "system" ? turn.parts : []));
  const whole = { ...rest, system: [...system, ...leading], turns: turns.slice(found) };
  return lowerTools(whole, codecById(id).tools).conversation;
}

/** Written for a provider of the dialect, and read as if a client had sent it. */
function readBack(id: DialectId, conversation: Conversation, losses: Losses): Conversation {
  const codec = codecById(id);
  const written = codec.encodeRequest(conversation, targetOf(id));
  losses.addAll(written.losses);
  const body = JSON.parse(JSON.stringify(written.body)) as JsonObject;
  const read = codec.decodeRequest(body, { stream: conversation.stream, path: paths[id], seal: testSeal });
  losses.addAll(read.losses);
  return inOrder(read.conversation, losses);
}

for (const id of dialectIds) {
  test(`a conversation that is written in ${id} and read again is the same, but for what is said to be lost`, () => {
    fc.assert(
      fc.property(conversations, (conversation) => {
        if (inOrder(conversation, new Losses()).turns.every(({ role }) => role === "system")) return;
        const before = ordered(id, conversation);
        const losses = new Losses();
        let after;
        try {
          after = readBack(id, before, losses);
        } catch (thrown) {
          if (!(thrown instanceof AppError)) throw thrown;
          assert.equal(thrown.code, "invalid_request", thrown.message);
          return;
        }
        assert.deepEqual(differences(before, after, losses.list, manners[id]), []);
      }),
      runs(60),
    );
  });
}

test("a field that goes missing without a word is noticed, whichever it is", () => {
  const whole: Conversation = {
    system: [{ type: "text", text: "Be brief." }],
    turns: [
      { role: "user", parts: [{ type: "text", text: "Hello" }] },
      {
        role: "assistant",
        parts: [{ type: "tool_call", id: "c1", name: "f", kind: "function", arguments: '{"a":1}' }],
      },
      {
        role: "user",
        parts: [
          {
            type: "tool_result",
            callId: "c1",
            kind: "function",
            parts: [{ type: "text", text: "ok" }],
            isError: false,
          },
        ],
      },
    ],
    tools: [{ kind: "function", name: "f", description: "d", parameters: { type: "object", properties: { a: {} } } }],
    toolChoice: { type: "tool", name: "f" },
    maxOutputTokens: 50,
    sampling: { temperature: 0.5 },
    stop: ["END"],
    output: { type: "schema", name: "answer", schema: { type: "object", properties: { b: {} } } },
    stream: false,
  };
  const silent = new Set(["model", "store", "stream", "include"]);
  for (const id of dialectIds) {
    const conversation: Conversation = id === "ollama" ? { ...whole, toolChoice: { type: "auto" } } : whole; // it has none
    const target = targetOf(id, { thinking: "none", efforts: [] });
    const { body, losses } = codecById(id).encodeRequest(conversation, target);
    for (const field of Object.keys(body).filter((name) => !silent.has(name))) {
      const { [field]: _left, ...rest } = JSON.parse(JSON.stringify(body)) as JsonObject;
      const asked = { stream: false, path: paths[id], seal: testSeal };
      const found = noticed(
        () => codecById(id).decodeRequest(rest, asked).conversation,
        (read) => differences(conversation, read, losses, manners[id]),
      );
      assert.ok(found, `${id}: nobody misses ${field}`);
    }
  }
});

/** Whether what was read is refused, or is another than what was written. */
function noticed(read: () => Conversation, differ: (conversation: Conversation) => readonly string[]): boolean {
  try {
    return differ(read()).length > 0;
  } catch (thrown) {
    if (thrown instanceof AppError) return true;
    throw thrown;
  }
}
