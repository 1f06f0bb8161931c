import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector, eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, JsonObject, ReasoningState } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { field } from "../counter.ts";
import { anthropicCodec } from "./codec.ts";
import { context, decoded, decodeFrames, framesOf, replyOf, streamOf } from "./test-parts.ts";

const text = (words: string): AssistantPart => ({ type: "text", text: words });
const call = (id: string, words: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "f",
  kind: "function",
  arguments: words,
});
const state: ReasoningState = { dialect: "openai-responses", provider: "prov_2", data: "enc", id: "rs_1" };
const thought: AssistantPart = { type: "thinking", text: "Hm.", state };

interface Frame extends JsonObject {
  readonly type: string;
}

function dataOf(stream: string): readonly Frame[] {
  return framesOf(stream).map(({ name, data }) => {
    const frame = JSON.parse(data) as Frame;
    assert.equal(name, frame.type, "every frame is named");
    return frame;
  });
}

const typesOf = (stream: string): readonly string[] => dataOf(stream).map(({ type }) => type);

describe("a stream to a caller", () => {
  test("looks like one of the API, to the byte", () => {
    const usage = { ...noTokens, input: 25, cacheRead: 75, output: 9, reasoning: 4 };
    const stream = streamOf(replyOf([text('Hi "you"'), call("c1", '{"a":1}')], { reason: "tool_calls" }, usage));
    assert.equal(
      stream,
      [
        'event: message_start\ndata: {"type":"message_start","message":{"model":"alias","id":"msg_01abc","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"stop_details":null,"container":null,"diagnostics":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":0,"output_tokens_details":{"thinking_tokens":0},"server_tool_use":null,"service_tier":"standard","speed":"standard","inference_geo":null}}}',
        'event: ping\ndata: {"type": "ping"}',
        'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hi \\"you\\""}}',
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}',
        'event: content_block_start\ndata: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"c1","name":"f","input":{}}}',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}',
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\\"a\\":1}"}}',
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":1}',
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null,"stop_details":null,"container":null},"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":75,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4},"server_tool_use":null}}',
        'event: message_stop\ndata: {"type":"message_stop"}',
      ]
        .map((frame) => `${frame}\n\n`)
        .join(""),
    );
  });

  test("closes a thought with its signature before anything else comes (B07, B08, B10)", () => {
    const only = dataOf(streamOf(replyOf([{ type: "thinking", text: "Hm." }], { reason: "end" })));
    assert.deepEqual(
      only.slice(2).map((frame) => [frame.type, (frame["delta"] as JsonObject | undefined)?.["type"]]),
      [
        ["content_block_start", undefined],
        ["content_block_delta", "thinking_delta"],
        ["content_block_delta", "signature_delta"],
        ["content_block_stop", undefined],
        ["message_delta", undefined],
        ["message_stop", undefined],
      ],
    );
    const both = dataOf(streamOf(replyOf([thought, text("A")], { reason: "end" })));
    assert.equal(both.filter(({ type }) => type === "message_start").length, 1);
    assert.deepEqual(
      both.filter(({ type }) => type === "content_block_start").map(({ index }) => index),
      [0, 1],
    );
  });

  test("states an estimate first and the real numbers at the end, all of them (B11, B12)", () => {
    const frames = dataOf(
      streamOf(replyOf([text("A")], { reason: "end" }, { ...noTokens, input: 7, cacheRead: 3, output: 1 })),
    );
    const last = frames.filter(({ type }) => type === "message_delta");
    assert.equal(last.length, 1);
    const usage = last[0]?.["usage"] as JsonObject;
    assert.deepEqual([usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]], [7, 3, 1]);
    const silent = dataOf(streamOf(replyOf([text("12345678")], { reason: "end" })));
    const estimate = silent.at(-2)?.["usage"] as JsonObject;
    assert.deepEqual([estimate["input_tokens"], estimate["output_tokens"]], [12, 2]);
  });

  test("says a refusal as text, and why", () => {
    const stream = dataOf(streamOf(replyOf([{ type: "refusal", text: "No." }], { reason: "end" })));
    assert.deepEqual(stream.at(-2)?.["delta"], {
      stop_reason: "refusal",
      stop_sequence: null,
      stop_details: { type: "refusal", category: null, explanation: null },
      container: null,
    });
  });

  test("shows no thought that is to be left out, and gives it back in the signature (B48)", () => {
    const parts = [thought, text("A"), { type: "thinking", text: "Unsigned." } as const, call("c1", "{}")];
    for (const thinking of ["shown", "omitted", "off"]) {
      const stream = streamOf(replyOf(parts, { reason: "tool_calls" }), { echo: { thinking } });
      assert.equal(stream.includes("Unsigned."), thinking === "shown");
      const back = broughtBack(stream);
      assert.deepEqual(back, thinking === "off" ? [parts[1], parts[0], parts[2], parts[3]] : parts, thinking);
    }
    const asked = streamOf(replyOf([thought, text("A")], { reason: "end" }), { echo: { thinking: "off" } });
    assert.deepEqual(broughtBack(asked), [text("A")]);
    assert.ok(asked.includes('"content_block_start","index":0,"content_block":{"type":"text"'));
  });

  test("fails at a call with broken arguments, unless it is there that the answer was cut", () => {
    const broken = call("toolu_1", '{"city": "Zü');
    const write = (parts: readonly AssistantPart[], reason: "length" | "tool_calls") => (): string => {
      const encoder = anthropicCodec.createStreamEncoder(context);
      return eventsOf(replyOf(parts, { reason }))
        .map((event) => encoder.push(event))
        .join("");
    };
    assert.throws(write([broken], "tool_calls"), { code: "upstream_broke" });
    assert.throws(write([broken, call("toolu_2", "{}")], "length"), { code: "upstream_broke" });
    assert.match(write([broken], "length")(), /"stop_reason":"max_tokens"/);
    assert.match(write([call("toolu_1", ""), call("toolu_2", "{}")], "tool_calls")(), /"stop_reason":"tool_use"/);
  });

  test("pings at any time between events, and only after its start", () => {
    const encoder = anthropicCodec.createStreamEncoder(context);
    assert.deepEqual(typesOf(encoder.ping()), ["message_start", "ping"]);
    assert.deepEqual(typesOf(encoder.ping()), ["ping"]);
    assert.equal(encoder.push({ type: "start" }), "");
    encoder.push({ type: "block_start", block: { type: "text" } });
    assert.equal(encoder.ping(), 'event: ping\ndata: {"type": "ping"}\n\n');
    encoder.push({ type: "block_end" });
    encoder.push({ type: "finish", finish: { reason: "end" }, usage: undefined });
    assert.equal(encoder.ping(), "");
  });

  test("fails as the dialect says, and not otherwise", () => {
    const encoder = anthropicCodec.createStreamEncoder(context);
    encoder.push({ type: "start" });
    assert.equal(encoder.push({ type: "failure", failure: { kind: "server", status: 200, message: "secret" } }), "");
    const failure = {
      code: "upstream_broke",
      status: 502,
      message: "the provider broke off its reply",
      requestId: "req_1",
    } as const;
    const [frame] = dataOf(encoder.fail(failure));
    assert.equal(frame?.type, "error");
    assert.equal(field(frame, "error", "type"), "api_error");
    assert.equal(encoder.ping(), "");
  });
});

/** A stream's content as the caller's next request brings it. */
function broughtBack(stream: string): readonly AssistantPart[] {
  const content: Record<string, unknown>[] = [];
  for (const { type, index, content_block: block, delta } of dataOf(stream)) {
    const at = Number(index);
    if (type === "content_block_start") content[at] = { ...(block as JsonObject) };
    if (type === "content_block_delta") addDelta(content[at] ?? {}, delta as JsonObject);
  }
  const user = { role: "user", content: "a" };
  const done = content.map((block) =>
    "json" in block ? { ...block, input: JSON.parse(String(block["json"])) } : block,
  );
  const { conversation } = decoded({ messages: [user, { role: "assistant", content: done }, user] });
  return (conversation.turns[1]?.parts ?? []) as readonly AssistantPart[];
}

function addDelta(
  block: Record<string, unknown>,
  { text: words, thinking, signature, partial_json: json }: JsonObject,
): void {
  const add = (key: string, value: unknown): void => {
    if (typeof value === "string") block[key] = String(block[key] ?? "") + value;
  };
  add("text", words);
  add("thinking", thinking);
  add("signature", signature);
  add("json", json);
}

const part: fc.Arbitrary<AssistantPart> = fc.oneof(
  fc.string({ minLength: 1, unit: "grapheme" }).map(text),
  fc.tuple(fc.uuid(), fc.dictionary(fc.string(), fc.jsonValue())).map(([id, input]) => call(id, JSON.stringify(input))),
);

test("what is written is read again as the same reply, and its events are in order", () => {
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const hasCalls = parts.some(({ type }) => type === "tool_call");
      const usage = { ...noTokens, input: 3, output: 4 };
      const reply: Reply = { id: "msg_01abc", ...replyOf(parts, { reason: hasCalls ? "tool_calls" : "end" }, usage) };
      const events = decodeFrames(framesOf(streamOf(reply)));
      legalOrder(events);
      const collector = new Collector();
      for (const event of events) collector.push(event);
      assert.deepEqual(collector.end, reply);
      assert.deepEqual(events, eventsOf(reply));
    }),
  );
});
