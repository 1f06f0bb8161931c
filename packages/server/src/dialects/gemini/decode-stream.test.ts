import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSseReader } from "../../kernel/sse.ts";
import { Collector, isFailure } from "../canonical/collect.ts";
import type { AssistantPart } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { fixture } from "../test-parts.ts";
import { geminiCodec } from "./codec.ts";
import { origin } from "./test-parts.ts";

const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 5, thoughtsTokenCount: 3, totalTokenCount: 17 };

function chunk(parts: readonly unknown[], more: object = {}): object {
  return { candidates: [{ content: { role: "model", parts }, index: 0, ...more }], responseId: "r1" };
}
const last = (parts: readonly unknown[] = [], more: object = {}): object => ({
  ...chunk(parts, { finishReason: "STOP", ...more }),
  usageMetadata,
});

function eventsOf(chunks: readonly unknown[]): readonly ReplyEvent[] {
  const decoder = geminiCodec.createStreamDecoder(origin);
  const events = chunks.flatMap((one) => {
    return decoder.push({ name: "message", data: typeof one === "string" ? one : JSON.stringify(one) });
  });
  const all = [...events, ...decoder.end()];
  legalOrder(all);
  return all;
}

function collected(events: readonly ReplyEvent[]): Reply | UpstreamFailure {
  const collector = new Collector();
  for (const event of events) collector.push(event);
  assert.ok(collector.end);
  return collector.end;
}

function replyOf(chunks: readonly unknown[]): Reply {
  const reply = collected(eventsOf(chunks));
  assert.ok(!isFailure(reply), JSON.stringify(reply));
  return reply;
}

function failureOf(chunks: readonly unknown[]): UpstreamFailure {
  const reply = collected(eventsOf(chunks));
  assert.ok(isFailure(reply), JSON.stringify(reply));
  return reply;
}

const call = (id: string, name: string, text: string): AssistantPart => ({
  type: "tool_call",
  id,
  name,
  kind: "function",
  arguments: text,
});
const text = (said: string): AssistantPart => ({ type: "text", text: said });
const thought = (said: string, data?: string, kind = "call"): AssistantPart => ({
  type: "thinking",
  text: said,
  ...(data !== undefined && { state: { dialect: "gemini", provider: "google", data, kind } }),
});

test("texts and thoughts come piece by piece, and the counts of the last chunk are the reply's", () => {
  const earlier = {
    ...chunk([{ text: "Think", thought: true }]),
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 400 },
  };
  const reply = replyOf([
    earlier,
    chunk([{ text: "ing", thought: true }]),
    chunk([{ text: "Hel" }]),
    chunk([{ text: "lo" }]),
    last([{ text: "" }]),
  ]);
  assert.equal(reply.id, "r1");
  assert.deepEqual(reply.parts, [thought("Thinking"), text("Hello")]);
  assert.deepEqual(reply.finish, { reason: "end" });
  assert.deepEqual([reply.usage?.input, reply.usage?.output, reply.usage?.reasoning], [9, 8, 3]);
});

test("a reply that is whole says the same as one in pieces", () => {
  const body = last([
    { text: "t", thought: true },
    { text: "a", thoughtSignature: "c2ln" },
    { functionCall: { name: "f", args: { x: 1 } } },
  ]);
  const reply = geminiCodec.decodeReply(body as Record<string, unknown>, origin);
  assert.ok(!isFailure(reply));
  assert.deepEqual(reply.parts, [thought("t", "c2ln", "text"), text("a"), call("", "f", '{"x":1}')]);
  assert.deepEqual(reply, replyOf([body]));
});

test("calls end the reply for their sake, though Google says STOP, unless it was cut (B14)", () => {
  const calls = [{ functionCall: { id: "c1", name: "f", args: {} } }, { functionCall: { id: "c2", name: "g" } }];
  const reply = replyOf([chunk(calls), last([{ text: "" }])]);
  assert.deepEqual(reply.parts, [call("c1", "f", "{}"), call("c2", "g", "{}")]);
  assert.equal(reply.finish.reason, "tool_calls");
  assert.equal(replyOf([chunk(calls), last([], { finishReason: "MAX_TOKENS" })]).finish.reason, "length");
});

test("a call that is repeated in the last chunk is one call (B21)", () => {
  const same = { functionCall: { id: "c1", name: "f", args: { a: 1 } } };
  assert.deepEqual(replyOf([chunk([same]), last([same])]).parts, [call("c1", "f", '{"a":1}')]);
});

test("a signature becomes the state of a thought before its part, or behind a text that is under way (B44)", () => {
  const signed = { functionCall: { name: "f" }, thoughtSignature: "YQ==" };
  const calls = [{ text: "t", thought: true }, signed, { functionCall: { name: "g" } }];
  assert.deepEqual(replyOf([last(calls)]).parts, [thought("t", "YQ=="), call("", "f", "{}"), call("", "g", "{}")]);
  const texts = [
    chunk([{ text: "a" }]),
    chunk([{ text: "b", thoughtSignature: "Yg==" }]),
    last([{ text: "", thoughtSignature: "Yw==" }]),
  ];
  assert.deepEqual(replyOf(texts).parts, [text("ab"), thought("", "Yg==", "text"), thought("", "Yw==", "text")]);
});

test("arguments that come bit by bit are put together, also where the piece that ends them is missing", () => {
  const piece = (jsonPath: string, value: object, more = false) => ({
    functionCall: { partialArgs: [{ jsonPath, ...value, ...(more && { willContinue: true }) }], willContinue: true },
  });
  const pieces = [
    { functionCall: { name: "cook", willContinue: true }, thoughtSignature: "YQ==" },
    piece("$.steps[0].text", { stringValue: "Boil" }, true),
    piece("$.steps[0].text", { stringValue: " it" }, true),
    piece("$.steps[0].text", { stringValue: "" }),
    piece("$.steps[1].minutes", { numberValue: 2.5 }),
    piece("$['odd.name']", { boolValue: true }),
    piece("$.none", { nullValue: "NULL_VALUE" }),
  ];
  const json = '{"steps":[{"text":"Boil it"},{"minutes":2.5}],"odd.name":true,"none":null}';
  const expected = [thought("", "YQ=="), call("", "cook", json)];
  const ended = [
    ...pieces,
    { functionCall: {} },
    { functionCall: { name: "next", willContinue: true } },
    { functionCall: {} },
  ];
  assert.deepEqual(replyOf([...ended.map((part) => chunk([part])), last([{ text: "" }])]).parts, [
    ...expected,
    call("", "next", "{}"),
  ]);
  assert.deepEqual(replyOf([...pieces.map((part) => chunk([part])), last([{ text: "" }])]).parts, expected);
  const cut = failureOf([...pieces.map((part) => chunk([part])), last([], { finishReason: "MAX_TOKENS" })]);
  assert.equal(cut.kind, "broken");
  assert.equal(failureOf([chunk([pieces[0]]), chunk([piece("$..x", { stringValue: "a" })]), last()]).kind, "broken");
});

test("what was blocked is a refusal, be it the prompt or the answer", () => {
  const blocked = replyOf([{ promptFeedback: { blockReason: "SAFETY" }, usageMetadata: { promptTokenCount: 4 } }]);
  assert.deepEqual(blocked.finish, { reason: "refusal", detail: "The prompt was blocked: SAFETY." });
  assert.equal(blocked.usage?.input, 4);
  for (const finishReason of ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "SPII", "BLOCKLIST"]) {
    const { finish } = replyOf([chunk([{ text: "Well" }]), last([], { finishReason, finishMessage: "No." })]);
    assert.deepEqual(finish, { reason: "refusal", detail: "No." });
  }
});

test("a call that Google could not read is a failure that may be tried again, if nothing else was said", () => {
  for (const finishReason of ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"]) {
    const failure = failureOf([last([], { finishReason, finishMessage: "Malformed function call: f(" })]);
    assert.deepEqual([failure.kind, failure.message], ["server", "Malformed function call: f("]);
    assert.equal(replyOf([last([{ text: "Hm" }], { finishReason })]).finish.reason, "malformed_call");
  }
});

test("other words for the end have their meaning", () => {
  const reasonOf = (finishReason: string) => replyOf([last([{ text: "a" }], { finishReason })]).finish.reason;
  assert.equal(reasonOf("MAX_TOKENS"), "length");
  assert.equal(reasonOf("CONTINUATION"), "pause");
  assert.equal(reasonOf("OTHER"), "end");
  assert.equal(reasonOf("constructor"), "end");
});

test("a stream that ends without a word, or with an error, fails (B18, B19)", () => {
  assert.equal(failureOf([chunk([{ text: "Hel" }])]).kind, "broken");
  assert.equal(failureOf([]).kind, "broken");
  assert.equal(failureOf(["{", last()]).kind, "broken");
  const error = { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" };
  assert.deepEqual(failureOf([chunk([{ text: "Hel" }]), { error }]), {
    kind: "overloaded",
    status: 503,
    message: error.message,
  });
  const cutCall = failureOf([chunk([{ functionCall: { name: "f", willContinue: true } }])]);
  assert.equal(cutCall.kind, "broken");
});

test("what the answer rests on is cited, once", () => {
  const web = (uri: string) => ({ web: { uri, title: uri.slice(-1) } });
  const groundingMetadata = { groundingChunks: [web("https://a"), web("https://b")] };
  const citations = [
    { url: "https://a", title: "a" },
    { url: "https://b", title: "b" },
  ];
  const cited: AssistantPart = { type: "text", text: "Hi", citations };
  assert.deepEqual(replyOf([last([{ text: "Hi" }], { groundingMetadata })]).parts, [cited]);
  const late = [
    chunk([{ text: "Hi" }], { groundingMetadata: { groundingChunks: [web("https://a")] } }),
    last([{ text: "", thoughtSignature: "YQ==" }], { groundingMetadata }),
  ];
  assert.deepEqual(replyOf(late).parts, [cited, thought("", "YQ==", "text")]);
});

test("an answer that is an image fails with words, one beside text is passed over", () => {
  const image = { inlineData: { mimeType: "image/png", data: "AAAA" } };
  assert.match(failureOf([last([image])]).message, /image or sound/);
  assert.deepEqual(replyOf([last([{ text: "Here" }, image])]).parts, [text("Here")]);
});

test("code that Google ran is text", () => {
  const parts = [{ executableCode: { language: "PYTHON", code: "1+1" } }, { codeExecutionResult: { output: "2" } }];
  assert.deepEqual(replyOf([last(parts)]).parts, [text("\n```python\n1+1\n```\n\n```\n2\n```\n")]);
});

test("recorded streams are read", () => {
  const read = (name: string): Reply | UpstreamFailure => {
    const reader = createSseReader(1_000_000);
    const events = [...reader.push(fixture("gemini", name)), ...reader.end()];
    return collected(eventsOf(events.map(({ data }) => data)));
  };
  for (const name of ["text.sse", "text-last.sse", "tool-call.sse", "blocked.sse", "no-usage.sse"]) {
    const reply = read(name);
    assert.ok(!isFailure(reply), `${name}: ${JSON.stringify(reply)}`);
  }
  for (const name of ["cut.sse", "error.sse"]) assert.ok(isFailure(read(name)), name);
});

const anyPart = fc.oneof(
  fc.record(
    { text: fc.string({ maxLength: 3 }), thought: fc.boolean(), thoughtSignature: fc.constantFrom("", "YQ==") },
    { requiredKeys: ["text"] },
  ),
  fc.record({
    functionCall: fc.record(
      {
        id: fc.constantFrom("", "a", "b"),
        name: fc.constantFrom("", "f"),
        args: fc.jsonValue(),
        willContinue: fc.boolean(),
        partialArgs: fc.array(
          fc.record({ jsonPath: fc.constantFrom("$.a", "$.a[1]", "$.a.b", "x", ""), stringValue: fc.string() }),
        ),
      },
      { requiredKeys: [] },
    ),
  }),
  fc.jsonValue({ maxDepth: 2 }),
);

const anyChunk = fc.oneof(
  fc
    .tuple(fc.array(anyPart, { maxLength: 4 }), fc.constantFrom(undefined, "STOP", "SAFETY", "MAX_TOKENS", "X"))
    .map(([parts, finishReason]) => chunk(parts, { finishReason })),
  fc.constantFrom<unknown>(
    { error: { code: 500 } },
    { error: "x" },
    { promptFeedback: { blockReason: "OTHER" } },
    { usageMetadata },
    "",
    "[DONE]",
    "nonsense",
  ),
  fc.jsonValue({ maxDepth: 3 }),
);

test("whatever comes, the events are in order and nothing is thrown", () => {
  fc.assert(
    fc.property(fc.array(anyChunk, { maxLength: 8 }), (chunks) => {
      eventsOf(chunks);
    }),
    { numRuns: 400 },
  );
});
