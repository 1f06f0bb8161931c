import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "../../kernel/errors.ts";
import type { Conversation, JsonObject, Turn } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { argumentsObject } from "../canonical/wire.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { conversations } from "./test/conversations.ts";
import { type Pair, pairs, paths, translated } from "./test/provider.ts";
import { runs } from "./test/runs.ts";
import { wireOf } from "./test/wire.ts";

/* A history that goes from one dialect into another and back still tells the same: who said what, and which call had which result. */

function read(id: DialectId, body: JsonObject): Conversation {
  const { conversation } = codecById(id).decodeRequest(body, { stream: false, path: paths[id], seal: testSeal });
  return inOrder(conversation, new Losses());
}

/** Names and ids as they are on each of the ways. */
function renamed({ from, to }: Pair, conversation: Conversation): Conversation {
  return [from, to, from].reduce(
    (last, id) => lowerTools(inOrder(last, new Losses()), codecById(id).tools).conversation,
    conversation,
  );
}

function thereAndBack({ from, to }: Pair, body: JsonObject): JsonObject {
  const parsed = (bytes: Uint8Array): JsonObject => JSON.parse(Buffer.from(bytes).toString()) as JsonObject;
  const there = parsed(translated({ from, to, body }).body);
  return parsed(translated({ from: to, to: from, body: there }).body);
}

function wordsOf(conversation: Conversation, role: Turn["role"]): readonly string[] {
  const parts = conversation.turns
    .filter((turn) => turn.role === role)
    .flatMap((turn): readonly Turn["parts"][number][] => turn.parts);
  return parts.flatMap((part) => (part.type === "text" || part.type === "refusal" ? part.text.split(/\s+/) : []));
}

function callsOf({ turns }: Conversation): readonly unknown[] {
  const results = turns.flatMap((turn) => (turn.role === "user" ? turn.parts : []));
  const calls = turns
    .flatMap((turn) => (turn.role === "assistant" ? turn.parts : []))
    .filter(({ type }) => type === "tool_call");
  return calls.map((call) => {
    if (call.type !== "tool_call") return call;
    const given = argumentsObject(call.arguments) ?? { _raw: call.arguments };
    const result = results.find((part) => part.type === "tool_result" && part.callId === call.id);
    const isBroken = "_raw" in given;
    return {
      name: call.name,
      arguments: isBroken ? "broken" : (JSON.parse(JSON.stringify(given)) as unknown),
      hasResult: result !== undefined,
    };
  });
}

/** Each call's result, in words; what is shown elsewhere or said to be missing is no word of it. */
function resultsOf({ turns }: Conversation): readonly string[] {
  return turns
    .flatMap((turn) => (turn.role === "user" ? turn.parts : []))
    .flatMap((part) => (part.type === "tool_result" ? [part.parts] : []))
    .map((parts) => parts.map((part) => (part.type === "text" ? part.text : "")).join(" "));
}

for (const pair of pairs) {
  const { from, to } = pair;
  test(`from ${from} to ${to} and back`, () => {
    fc.assert(
      fc.property(conversations, (conversation) => {
        const body = wireOf(from, conversation);
        let before;
        let after;
        try {
          before = renamed(pair, read(from, body));
          after = read(from, thereAndBack(pair, body));
        } catch (thrown) {
          if (!(thrown instanceof AppError)) throw thrown;
          assert.ok(["invalid_request", "missing_field"].includes(thrown.code), thrown.message);
          return;
        }
        assert.deepEqual(callsOf(after), callsOf(before));
        const answered = wordsOf(after, "assistant").join("");
        for (const word of wordsOf(before, "assistant")) assert.ok(answered.includes(word), JSON.stringify(word));
        const [old, now] = [resultsOf(before), resultsOf(after)];
        assert.equal(now.length, old.length);
        for (const [index, text] of old.entries())
          for (const word of text.split(/\s+/))
            assert.ok(now[index]?.includes(word), `${word} is not in ${now[index]}`);
      }),
      runs(20),
    );
  });
}
