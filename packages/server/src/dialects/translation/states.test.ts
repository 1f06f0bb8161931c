import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { sealThought } from "../../simulator/reply.ts";
import type { Conversation, JsonObject, ReasoningState } from "../canonical/conversation.ts";
import { sealMark, createStateSeal } from "../canonical/state-seal.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import type { DialectId } from "../dialect.ts";
import { createProvider, dialectIds, type Pair, translated } from "./test/provider.ts";
import { runs } from "./test/runs.ts";
import { wireOf } from "./test/wire.ts";

/* No provider gets an envelope of ours, nor a state that it did not make. */

const seal = sealThought("I look it up.");
const provider = createProvider();
const otherSeal = createStateSeal(Buffer.alloc(32, 9));
/** Ollama's clients and format have no place for states. */
const carrying: readonly DialectId[] = ["anthropic-messages", "gemini", "openai-chat", "openai-responses"];
const keeping: readonly DialectId[] = ["anthropic-messages", "gemini", "openai-responses"];
const kinds: Readonly<Partial<Record<DialectId, string>>> = { gemini: "call" };

function stateOf(dialect: DialectId, maker = `sim-${dialect}`): ReasoningState {
  const kind = kinds[dialect];
  return { dialect, provider: maker, data: seal, ...(kind !== undefined && { kind }) };
}

function withState(state: ReasoningState): Conversation {
  const call = { type: "tool_call", id: "call_1", name: "f", kind: "function", arguments: "{}" } as const;
  const result = { type: "tool_result", callId: "call_1", kind: "function", parts: [], isError: false } as const;
  return {
    ...plainConversation,
    turns: [
      ...plainConversation.turns,
      { role: "assistant", parts: [{ type: "thinking", text: "I look it up.", state }, call] },
      { role: "user", parts: [result] },
    ],
    tools: [{ kind: "function", name: "f" }],
  };
}

function sentOf(pair: Pair, body: JsonObject): string {
  const request = translated({ ...pair, body });
  const { status, bytes } = provider.answer(pair.to, request);
  const text = Buffer.from(request.body).toString();
  assert.equal(status, 200, `${bytes.toString()} for ${text}`);
  return text;
}

const envelope = new RegExp(`${sealMark}[A-Za-z0-9+/=]*`, "g");

/** The body with something else in the place of each envelope, of which there must be one. */
function tampered(body: JsonObject, change: (sealed: string) => string): JsonObject {
  const text = JSON.stringify(body);
  assert.match(text, new RegExp(sealMark));
  return JSON.parse(text.replaceAll(envelope, change)) as JsonObject;
}

const all = carrying.flatMap((from) => dialectIds.filter((to) => to !== from).map((to) => ({ from, to })));

describe("a state on its way through another dialect", () => {
  for (const pair of all.filter(({ to }) => keeping.includes(to))) {
    test(`comes back to ${pair.to} from a client of ${pair.from} (B46)`, () => {
      const sent = sentOf(pair, wireOf(pair.from, withState(stateOf(pair.to))));
      assert.ok(sent.includes(seal) && !sent.includes(sealMark), sent);
    });
  }

  for (const pair of all) {
    const { from, to } = pair;
    test(`of another provider or dialect does not come to ${to} from a client of ${from}`, () => {
      const others = dialectIds.filter((id) => id !== to).map((id) => stateOf(id));
      for (const state of [...others, stateOf(to, "another")]) {
        const sent = sentOf(pair, wireOf(from, withState(state)));
        assert.ok(!sent.includes(seal) && !sent.includes(sealMark), sent);
      }
    });

    test(`that was forged, cut or changed does not come to ${to} from a client of ${from}`, () => {
      const body = wireOf(from, withState(stateOf(to)));
      const change = fc.oneof(
        fc
          .nat(400)
          .map((length) => (sealed: string) => sealed.slice(0, Math.min(sealMark.length + length, sealed.length - 8))),
        fc.nat(400).map((place) => (sealed: string) => {
          const at = sealMark.length + (place % (sealed.length - sealMark.length - 4));
          return `${sealed.slice(0, at)}${sealed[at] === "A" ? "B" : "A"}${sealed.slice(at + 1)}`;
        }),
        fc.constant(() => otherSeal.seal(stateOf(to))),
        fc.base64String({ maxLength: 80 }).map((junk) => () => sealMark + junk),
      );
      fc.assert(
        fc.property(change, (how) => {
          const sent = sentOf(pair, tampered(body, how));
          assert.ok(!sent.includes(seal) && !sent.includes(sealMark), sent);
        }),
        runs(15),
      );
    });
  }
});
