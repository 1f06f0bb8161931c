import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createSseReader } from "../../kernel/sse.ts";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector, eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { field } from "../counter.ts";
import type { StreamFraming } from "../dialect.ts";
import { geminiCodec } from "./codec.ts";
import { context, decoded, origin } from "./test-parts.ts";

const usage = { ...noTokens, input: 9, output: 5 };
const foreign = { dialect: "openai-responses", provider: "openai", data: "opaque" } as const;
const call = (id: string, text: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "f",
  kind: "function",
  arguments: text,
});
const reply = (parts: readonly AssistantPart[], change: Partial<Reply> = {}): Reply => ({
  parts,
  finish: { reason: parts.some(({ type }) => type === "tool_call") ? "tool_calls" : "end" },
  usage,
  ...change,
});

function written(
  events: readonly ReplyEvent[],
  framing: StreamFraming = "sse",
  echo: JsonObject = { includeThoughts: true },
): string {
  const encoder = geminiCodec.createStreamEncoder(context({ framing, echo }));
  return events.map((event) => encoder.push(event)).join("");
}

function chunksOf(stream: string): readonly JsonObject[] {
  const frames = stream.split("\n\n");
  assert.equal(frames.pop(), "", "the last frame is whole");
  return frames.map((frame) => {
    assert.match(frame, /^data: \{[^\n]*\}$/);
    return JSON.parse(frame.slice(6)) as JsonObject;
  });
}

const candidateOf = (chunk: JsonObject | undefined): JsonObject =>
  ((chunk?.["candidates"] ?? []) as readonly JsonObject[])[0] ?? {};
const partsOf = (chunks: readonly JsonObject[]): readonly JsonObject[] =>
  chunks.flatMap((chunk) => (candidateOf(chunk)["content"] as JsonObject)["parts"] as JsonObject[]);

test("each delta is a chunk of its own, and the end and the counts are in the last", () => {
  const chunks = chunksOf(
    written(
      eventsOf(
        reply([
          { type: "thinking", text: "Hm" },
          { type: "text", text: "Hi\n" },
        ]),
      ),
    ),
  );
  assert.deepEqual(partsOf(chunks), [{ text: "Hm", thought: true }, { text: "Hi\n" }, { text: "" }]);
  assert.deepEqual(
    chunks.map((chunk) => candidateOf(chunk)["finishReason"]),
    [undefined, undefined, "STOP"],
  );
  assert.deepEqual(
    chunks.map((chunk) => chunk["usageMetadata"] !== undefined),
    [false, false, true],
  );
  for (const chunk of chunks) assert.deepEqual([chunk["modelVersion"], chunk["responseId"]], ["house/model", "req_1"]);
});

test("a call is written whole, with its id and its arguments as they were written", () => {
  const text = '{"big":12345678901234567890,"ratio":1.0,"path":"a\\nb"}';
  const stream = written(eventsOf(reply([call("c1", text), call("c2", '{\n "a": 1\n}'), call("c3", "")])));
  assert.ok(stream.includes(`"args":${text}`));
  assert.deepEqual(partsOf(chunksOf(stream)).slice(1), [
    { functionCall: { id: "c2", name: "f", args: { a: 1 } } },
    { functionCall: { id: "c3", name: "f", args: {} } },
    { text: "" },
  ]);
});

test("a call whose arguments are broken is left out, and the answer ends for that (B19)", () => {
  const chunks = chunksOf(written(eventsOf(reply([call("c1", '{"a":'), { type: "text", text: "x" }]))));
  assert.deepEqual(partsOf(chunks), [{ text: "x" }, { text: "" }]);
  assert.equal(candidateOf(chunks.at(-1))["finishReason"], "MALFORMED_FUNCTION_CALL");
});

test("thoughts that were not asked for are not shown, but come back with the call", () => {
  const parts: AssistantPart[] = [{ type: "thinking", text: "Hm", state: foreign }, call("c1", "{}")];
  const told = partsOf(chunksOf(written(eventsOf(reply(parts)), "sse", {})));
  assert.equal(told.length, 2);
  const again = decoded({ contents: [{ role: "model", parts: told.slice(0, 1) }] });
  assert.deepEqual(again.conversation.turns[0]?.parts, parts);
});

test("a state is on the first part behind it, or on an empty text at the end", () => {
  const bare: AssistantPart = { type: "thinking", text: "", state: foreign };
  const told = partsOf(chunksOf(written(eventsOf(reply([bare, bare, { type: "text", text: "Hi" }, bare])))));
  assert.deepEqual(
    told.map(({ text, thoughtSignature }) => [text, typeof thoughtSignature]),
    [
      ["", "string"],
      ["Hi", "string"],
      ["", "string"],
    ],
  );
});

test("an array is one JSON document, with white space for silence and the error as its last element", () => {
  const events = eventsOf(reply([{ type: "text", text: "Hi" }, call("c1", "{}")]));
  const encoder = geminiCodec.createStreamEncoder(context({ framing: "json-array" }));
  const pieces = events.flatMap((event) => [encoder.ping(), encoder.push(event)]);
  const whole = JSON.parse(pieces.join("")) as readonly JsonObject[];
  assert.deepEqual(whole, chunksOf(written(events)));
  const failure = { code: "upstream_broke", status: 502, message: "it broke off", requestId: "req_1" } as const;
  for (const count of [0, 3]) {
    const failing = geminiCodec.createStreamEncoder(context({ framing: "json-array" }));
    const begun = events
      .slice(0, count)
      .map((event) => failing.push(event))
      .join("");
    const all = JSON.parse(begun + failing.ping() + failing.fail(failure)) as readonly JsonObject[];
    assert.equal(field(all.at(-1), "error", "status"), "UNAVAILABLE");
    assert.equal(failing.ping(), "");
  }
});

test("an event stream is kept open by comments and fails with an error event (B18)", () => {
  const encoder = geminiCodec.createStreamEncoder(context());
  const begun =
    encoder.ping() + encoder.push({ type: "start" }) + encoder.push({ type: "block_start", block: { type: "text" } });
  assert.equal(begun, ": keep-alive\n\n");
  const told = encoder.fail({ code: "upstream_broke", status: 502, message: "it broke off", requestId: "req_1" });
  assert.match(told, /^data: \{"error":\{"code":502,.*\}\}\n\n$/);
});

test("without counts from the provider, they are estimated", () => {
  const chunks = chunksOf(written(eventsOf(reply([{ type: "text", text: "12345678" }], { usage: undefined }))));
  assert.deepEqual(chunks.at(-1)?.["usageMetadata"], {
    promptTokenCount: 40,
    candidatesTokenCount: 2,
    totalTokenCount: 42,
  });
});

const anyText = fc.string({ maxLength: 8, minLength: 1 });
const anyPartOf: fc.Arbitrary<AssistantPart> = fc.oneof(
  fc.record({ type: fc.constant("text"), text: anyText }),
  fc.record({ type: fc.constant("thinking"), text: anyText }),
  fc.record({ type: fc.constant("thinking"), text: fc.constantFrom("", "t"), state: fc.constant(foreign) }),
  fc.record({
    type: fc.constant("tool_call"),
    id: fc.uuid(),
    name: fc.constantFrom("f", "g"),
    kind: fc.constant("function"),
    arguments: fc.dictionary(anyText, fc.jsonValue()).map((args) => JSON.stringify(args)),
  }),
);

/** What our own reader makes of it: texts that follow each other are one. */
function plain(parts: readonly AssistantPart[]): unknown {
  const joined: AssistantPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === "thinking" && part.text === "") continue;
    if (part.type === "thinking" && last?.type === "thinking")
      joined[joined.length - 1] = { type: "thinking", text: last.text + part.text };
    else if (part.type === "thinking") joined.push({ type: part.type, text: part.text });
    else if (part.type === "text" && last?.type === "text")
      joined[joined.length - 1] = { type: "text", text: last.text + part.text };
    else joined.push({ ...part });
  }
  return joined;
}

test("what is written is read again as it was, whatever it was", () => {
  fc.assert(
    fc.property(fc.array(anyPartOf, { maxLength: 6 }), fc.constantFrom(true, false), (parts, whole) => {
      const one = reply(parts);
      const decoder = geminiCodec.createStreamDecoder(origin);
      const collector = new Collector();
      const reader = createSseReader(1_000_000);
      const bytes = Buffer.from(written(eventsOf(one)));
      const events = [...reader.push(bytes), ...reader.end()].flatMap((event) => decoder.push(event));
      const all = [...events, ...decoder.end()];
      legalOrder(all);
      for (const event of all) collector.push(event);
      const again = whole ? geminiCodec.decodeReply(geminiCodec.encodeReply(one, context()), origin) : collector.end;
      assert.ok(again !== undefined && "parts" in again, JSON.stringify(again));
      assert.deepEqual(plain(again.parts), plain(parts));
      assert.deepEqual([again.finish, again.usage], [one.finish, usage]);
    }),
    { numRuns: 200 },
  );
});

test("a chunk carries little beside its text", () => {
  const encoder = geminiCodec.createStreamEncoder(context());
  encoder.push({ type: "block_start", block: { type: "text" } });
  const length = encoder.push({ type: "block_delta", text: "word " }).length;
  assert.ok(length < 250, `${length} characters a chunk`);
});
