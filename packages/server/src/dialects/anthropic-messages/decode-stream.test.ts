import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Collector, isFailure } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { fixture } from "../test-parts.ts";
import { anthropicCodec } from "./codec.ts";
import { decodeData, decodeFrames, framesOf, origin } from "./test-parts.ts";

function endOf(events: readonly ReplyEvent[]): Reply | UpstreamFailure {
  legalOrder(events);
  const collector = new Collector();
  for (const event of events) collector.push(event);
  assert.ok(collector.end);
  return collector.end;
}

/** A reply's parts and reason, each as one line. */
function lines(...events: readonly JsonObject[]): readonly string[] {
  const end = endOf(decodeData(...events));
  if (isFailure(end)) return [`! ${end.kind}: ${end.message}`];
  const parts = end.parts.map((part) => {
    if (part.type === "tool_call") return `${part.id} ${part.name} ${part.arguments}`;
    return `${part.type} ${part.text}${part.type === "thinking" && part.state ? ` [${part.state.data}]` : ""}`;
  });
  return [...parts, end.finish.reason];
}

const start = { type: "message_start", message: { id: "msg_1", usage: { input_tokens: 5, output_tokens: 1 } } };
const begin = (index: number, block: JsonObject): JsonObject => ({
  type: "content_block_start",
  index,
  content_block: block,
});
const delta = (index: number, of: JsonObject): JsonObject => ({ type: "content_block_delta", index, delta: of });
const say = (index: number, text: string): JsonObject => delta(index, { type: "text_delta", text });
const think = (index: number, thinking: string): JsonObject => delta(index, { type: "thinking_delta", thinking });
const sign = (index: number, signature: string): JsonObject => delta(index, { type: "signature_delta", signature });
const input = (index: number, json: string): JsonObject =>
  delta(index, { type: "input_json_delta", partial_json: json });
const stop = (index: number): JsonObject => ({ type: "content_block_stop", index });
const ends = (reason: string, usage: JsonObject = { output_tokens: 9 }): JsonObject => ({
  type: "message_delta",
  delta: { stop_reason: reason },
  usage,
});
const over = { type: "message_stop" };
const text = { type: "text", text: "" };
const use = (id: string, given: JsonObject = {}): JsonObject => ({ type: "tool_use", id, name: "f", input: given });

describe("a stream of a provider", () => {
  test("is its blocks, with their signatures, and ends for its calls", () => {
    const found = lines(
      start,
      begin(0, { type: "thinking", thinking: "", signature: "" }),
      { type: "ping" },
      think(0, "Hm"),
      think(0, "."),
      sign(0, "sig"),
      stop(0),
      begin(1, text),
      say(1, "Hi"),
      stop(1),
      begin(2, use("t1")),
      input(2, ""),
      input(2, '{"a":'),
      input(2, "1}"),
      stop(2),
      ends("tool_use"),
      over,
    );
    assert.deepEqual(found, ["thinking Hm. [sig]", "text Hi", 't1 f {"a":1}', "tool_calls"]);
  });

  test("is read from what the vendor sends", () => {
    const read = (name: string): Reply | UpstreamFailure =>
      endOf(decodeFrames(framesOf(fixture("anthropic-messages", name).toString())));
    const reply = read("tool-use.sse");
    assert.ok(!isFailure(reply));
    assert.deepEqual(
      reply.parts.map((part) => (part.type === "tool_call" ? part.arguments : part.text)),
      ["I look it up.", '{"city": "San Francisco"}'],
    );
    assert.deepEqual([reply.usage?.input, reply.usage?.output], [472, 89]);
    const thinking = read("text.sse");
    assert.ok(!isFailure(thinking) && thinking.parts[0]?.type === "thinking");
    assert.equal(thinking.parts[0].state?.provider, "prov_1");
    const failed = read("error.sse");
    assert.ok(isFailure(failed) && failed.kind === "overloaded");
  });

  test("states its usage as it was said last, never the sum (B20)", () => {
    const end = endOf(
      decodeData(start, ends("end_turn", { output_tokens: 3 }), ends("end_turn", { output_tokens: 7 }), over),
    );
    assert.ok(!isFailure(end));
    assert.deepEqual([end.usage?.input, end.usage?.output], [5, 7]);
  });

  test("says why it refuses, and which text stopped it", () => {
    const finish = (of: JsonObject): unknown => {
      const end = endOf(decodeData(start, { type: "message_delta", delta: of }, over));
      return isFailure(end) ? end : end.finish;
    };
    assert.deepEqual(finish({ stop_reason: "refusal", stop_details: { type: "refusal", explanation: "No." } }), {
      reason: "refusal",
      detail: "No.",
    });
    assert.deepEqual(finish({ stop_reason: "stop_sequence", stop_sequence: "END" }), {
      reason: "stop_sequence",
      stopSequence: "END",
    });
  });

  test("keeps the citations of a text, which come before it", () => {
    const citation = { type: "web_search_result_location", url: "https://e.com", title: "T", cited_text: "q" };
    const end = endOf(
      decodeData(
        start,
        begin(0, text),
        delta(0, { type: "citations_delta", citation }),
        say(0, "A"),
        stop(0),
        ends("end_turn"),
        over,
      ),
    );
    assert.ok(!isFailure(end));
    assert.deepEqual(end.parts, [
      { type: "text", text: "A", citations: [{ url: "https://e.com", title: "T", quote: "q" }] },
    ]);
  });

  test("keeps what nobody may read, and passes over the vendor's own tools and what is not known", () => {
    const found = lines(
      start,
      begin(0, { type: "redacted_thinking", data: "r" }),
      stop(0),
      begin(1, { type: "server_tool_use", id: "s", name: "web_search", input: {} }),
      input(1, '{"q":1}'),
      stop(1),
      begin(2, { type: "web_search_tool_result", content: [] }),
      stop(2),
      begin(3, { type: "from_the_future" }),
      say(3, "?"),
      stop(3),
      begin(4, text),
      delta(4, { type: "from_the_future" }),
      say(4, "A"),
      stop(4),
      { type: "from_the_future" },
      ends("end_turn"),
      over,
    );
    assert.deepEqual(found, ["thinking  [r]", "text A", "end"]);
  });
});

describe("a stream of a sloppy server", () => {
  test("may give a call whole at its start, and is not read twice if it gives both", () => {
    const whole = begin(0, use("t1", { a: 1 }));
    assert.deepEqual(lines(start, whole, stop(0), ends("tool_use"), over), ['t1 f {"a":1}', "tool_calls"]);
    assert.deepEqual(lines(start, whole, input(0, '{"a":1}'), stop(0), ends("end_turn"), over), [
      't1 f {"a":1}',
      "tool_calls",
    ]);
  });

  test("may repeat its start before anything was said, but not after", () => {
    assert.deepEqual(lines(start, start, begin(0, text), say(0, "A"), ends("end_turn"), over), ["text A", "end"]);
    const spliced = lines(
      start,
      begin(0, text),
      say(0, "A"),
      start,
      begin(0, text),
      say(0, "B"),
      ends("end_turn"),
      over,
    );
    assert.match(spliced[0] ?? "", /^! broken: the reply began anew/);
  });

  test("may leave out starts and stops of texts and thoughts, and use indexes again", () => {
    assert.deepEqual(lines(say(0, "A"), ends("end_turn"), over), ["text A", "end"]);
    assert.deepEqual(lines(start, think(0, "A"), sign(0, "s"), begin(1, text), say(1, "B"), ends("end_turn"), over), [
      "thinking A [s]",
      "text B",
      "end",
    ]);
    const again = [begin(7, use("t1")), input(7, "{}"), begin(7, use("t2")), input(7, "[]"), stop(7)];
    assert.deepEqual(lines(start, ...again, ends("tool_use"), over), ["t1 f {}", "t2 f []", "tool_calls"]);
  });

  test("may keep several calls open at a time (B04)", () => {
    const found = lines(
      start,
      begin(0, use("t1")),
      begin(1, use("t2")),
      input(1, '{"b"'),
      input(0, '{"a"'),
      input(1, ":2}"),
      input(0, ":1}"),
      stop(1),
      stop(0),
      ends("tool_use"),
      over,
    );
    assert.deepEqual(found, ['t1 f {"a":1}', 't2 f {"b":2}', "tool_calls"]);
  });

  test("may end without its last event once it told why, and with one of another dialect", () => {
    assert.deepEqual(lines(start, begin(0, text), say(0, "A"), ends("end_turn")), ["text A", "end"]);
    const frames = [start, ends("end_turn"), over].map((event) => ({ name: "message", data: JSON.stringify(event) }));
    legalOrder(decodeFrames([...frames, { name: "message", data: "[DONE]" }]));
  });

  test("may give the type in the event's name alone", () => {
    const events = decodeFrames([
      { name: "message_start", data: "{}" },
      { name: "content_block_delta", data: '{"index":0,"delta":{"type":"text_delta","text":"A"}}' },
      { name: "message_stop", data: "{}" },
    ]);
    assert.ok(!isFailure(endOf(events)));
  });
});

describe("a stream that breaks off", () => {
  test("fails, and a call in it is not taken for whole (B19)", () => {
    const events = decodeData(start, begin(0, use("t1")), input(0, '{"a":'));
    assert.deepEqual(
      events.map(({ type }) => type),
      ["start", "block_start", "block_delta", "failure"],
    );
    assert.match(lines()[0] ?? "", /^! broken/);
    assert.match(lines(start)[0] ?? "", /^! broken/);
  });

  test("fails as the provider says, and whatever comes behind is passed over (B18)", () => {
    const error = { type: "error", error: { type: "overloaded_error", message: "Overloaded" } };
    assert.deepEqual(lines(start, begin(0, text), say(0, "A"), error, say(0, "B"), ends("end_turn"), over), [
      "! overloaded: Overloaded",
    ]);
  });

  test("fails at what is no JSON, and at arguments without a call", () => {
    legalOrder(decodeFrames([{ name: "message", data: "{" }]));
    assert.match(lines(start, input(0, "{}"))[0] ?? "", /^! broken/);
  });
});

const index = fc.integer({ min: 0, max: 2 });
const words = fc.constantFrom("", "a", "b");
const anyEvent: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom<JsonObject>(start, over, ends("end_turn"), ends("tool_use"), { type: "ping" }, {}),
  fc
    .tuple(index, fc.constantFrom(text, use("t1"), use("", { a: 1 }), { type: "thinking" }, { type: "x" }, {}))
    .map(([at, block]) => begin(at, block)),
  fc.tuple(index, words, fc.constantFrom(say, think, sign, input)).map(([at, word, make]) => make(at, word)),
  index.map(stop),
  fc.constantFrom<JsonObject>(begin(0, { type: "redacted_thinking", data: "r" }), {
    type: "error",
    error: { type: "api_error" },
  }),
  fc.record({
    type: fc.constantFrom("content_block_delta", "content_block_start", "message_start", "message_delta"),
    index: fc.anything(),
    delta: fc.anything(),
    content_block: fc.anything(),
    message: fc.anything(),
    usage: fc.anything(),
  }),
);

test("whatever comes in whatever order, nothing is thrown and the events are in order", () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 25 }), (events) => legalOrder(decodeData(...events))),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, data) => {
      const decoder = anthropicCodec.createStreamDecoder(origin);
      legalOrder([
        ...decoder.push({ name, data }),
        ...decoder.end(),
        ...decoder.push({ name, data }),
        ...decoder.end(),
      ]);
    }),
  );
});
