import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { noTokens } from "../../kernel/tokens.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { geminiCodec } from "./codec.ts";
import { context, decoded, origin } from "./test-parts.ts";

const usage = { ...noTokens, input: 25, output: 12, cacheRead: 75, reasoning: 7 };
const call = (id: string, text: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "f",
  kind: "function",
  arguments: text,
});
const foreign = { dialect: "anthropic-messages", provider: "anthropic", data: "c2ln" } as const;
const thought = (text: string): AssistantPart => ({ type: "thinking", text, state: foreign });
const reply = (parts: readonly AssistantPart[], change: Partial<Reply> = {}): Reply => ({
  id: "r",
  parts,
  finish: { reason: parts.some(({ type }) => type === "tool_call") ? "tool_calls" : "end" },
  usage,
  ...change,
});
const candidateOf = (body: JsonObject): JsonObject => (body["candidates"] as readonly JsonObject[])[0] ?? {};
const partsOf = (body: JsonObject): readonly JsonObject[] =>
  (candidateOf(body)["content"] as JsonObject)["parts"] as JsonObject[];

test("a reply is written with its end, its counts and the model that was asked for (B56)", () => {
  const body = geminiCodec.encodeReply(reply([{ type: "text", text: "Hi" }]), context());
  assert.deepEqual(body, {
    candidates: [{ content: { parts: [{ text: "Hi" }], role: "model" }, finishReason: "STOP", index: 0 }],
    usageMetadata: {
      promptTokenCount: 100,
      candidatesTokenCount: 5,
      totalTokenCount: 112,
      cachedContentTokenCount: 75,
      thoughtsTokenCount: 7,
    },
    modelVersion: "house/model",
    responseId: "req_1",
  });
});

test("each reason to end has Google's word", () => {
  const wordFor = (finish: Reply["finish"]) =>
    candidateOf(geminiCodec.encodeReply(reply([], { finish }), context()))["finishReason"];
  assert.equal(wordFor({ reason: "length" }), "MAX_TOKENS");
  assert.equal(wordFor({ reason: "window_full" }), "MAX_TOKENS");
  assert.equal(wordFor({ reason: "stop_sequence", stopSequence: "x" }), "STOP");
  assert.equal(wordFor({ reason: "refusal", detail: "No." }), "SAFETY");
  assert.equal(wordFor({ reason: "malformed_call" }), "MALFORMED_FUNCTION_CALL");
  assert.equal(wordFor({ reason: "tool_calls" }), "STOP");
});

test("what was thought before a call comes back with it, though clients drop thoughts", () => {
  for (const includeThoughts of [true, false]) {
    const parts = partsOf(
      geminiCodec.encodeReply(
        reply([thought("Hm."), call("c1", '{"a":1}'), call("c2", "")]),
        context({ echo: { includeThoughts } }),
      ),
    );
    const calls = parts.filter((part) => part["thought"] !== true);
    assert.equal(parts.length - calls.length, includeThoughts ? 1 : 0);
    assert.deepEqual(
      calls.map((part) => part["functionCall"]),
      [
        { id: "c1", name: "f", args: { a: 1 } },
        { id: "c2", name: "f", args: {} },
      ],
    );
    assert.equal(calls[1]?.["thoughtSignature"], undefined);
    for (const kept of [parts, calls]) {
      const again = decoded({ contents: [{ role: "model", parts: kept }] });
      assert.deepEqual(again.conversation.turns[0]?.parts, [thought("Hm."), call("c1", '{"a":1}'), call("c2", "{}")]);
      assert.deepEqual(again.losses, []);
    }
  }
});

test("a thought without a state comes back with a call too, for providers that want its text (B48)", () => {
  const parts: AssistantPart[] = [{ type: "thinking", text: "Hm." }, call("c1", "{}")];
  const written = partsOf(geminiCodec.encodeReply(reply(parts), context({ echo: {} })));
  assert.deepEqual(decoded({ contents: [{ role: "model", parts: written }] }).conversation.turns[0]?.parts, parts);
});

test("a state before a text, or at the end, is a signature as well; signatures are base64", () => {
  const bare = { type: "thinking", text: "", state: foreign } as const;
  const written = partsOf(geminiCodec.encodeReply(reply([bare, { type: "text", text: "Hi" }, bare]), context()));
  const sealed = testSeal.seal(foreign);
  assert.deepEqual(written, [
    { text: "Hi", thoughtSignature: sealed },
    { text: "", thoughtSignature: sealed },
  ]);
  assert.equal(Buffer.from(sealed, "base64").toString("base64"), sealed);
});

test("arguments that are no object make no reply, above all not an empty one", () => {
  for (const text of ['{"a":', "[]", '"x"'])
    assert.throws(
      () => geminiCodec.encodeReply(reply([call("c", text)]), context()),
      (error) => error instanceof AppError && error.code === "upstream_broke",
    );
});

test("citations are what a search found", () => {
  const parts: AssistantPart[] = [
    { type: "text", text: "Hi", citations: [{ url: "https://a", title: "A" }, { url: "https://b" }, { quote: "q" }] },
  ];
  assert.deepEqual(
    (candidateOf(geminiCodec.encodeReply(reply(parts), context()))["groundingMetadata"] as JsonObject)[
      "groundingChunks"
    ],
    [{ web: { uri: "https://a", title: "A" } }, { web: { uri: "https://b", title: "https://b" } }],
  );
});

test("a reply that is written and read is the same", () => {
  const cited: AssistantPart = { type: "text", text: "Hi", citations: [{ url: "https://a", title: "A" }] };
  const replies = [
    reply([cited]),
    reply([{ type: "thinking", text: "t" }, { type: "text", text: "a" }, call("c1", '{"x":[1]}'), call("c2", "{}")]),
    reply([{ type: "text", text: "a" }], { finish: { reason: "length" } }),
    reply([], { finish: { reason: "refusal", detail: "No." } }),
  ];
  for (const one of replies) {
    const again = geminiCodec.decodeReply(geminiCodec.encodeReply(one, context()), origin);
    const signed =
      "parts" in again
        ? {
            ...again,
            id: "r",
            parts: again.parts.map((part) => (part.type === "thinking" ? { type: part.type, text: part.text } : part)),
          }
        : again;
    assert.deepEqual(signed, one);
  }
});
