import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noTokens } from "../../kernel/tokens.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { Failure } from "../dialect.ts";
import { encodeReply } from "./encode-reply.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { framesOf, replyContext, write } from "./test-parts.ts";

const usage = { ...noTokens, input: 25, cacheRead: 75, output: 9, reasoning: 4 };
const reply = (parts: Reply["parts"], finish: Reply["finish"] = { reason: "end" }): Reply => ({ parts, finish, usage });
const frames = (parts: Reply["parts"], finish?: Reply["finish"], context = replyContext): readonly JsonObject[] =>
  framesOf(write(eventsOf(reply(parts, finish)), context));
const types = (wire: readonly JsonObject[]) => wire.map((frame) => String(frame["type"]).replace(/^response\./, ""));
const last = (wire: readonly JsonObject[]): JsonObject => wire.at(-1)?.["response"] as JsonObject;
const itemOf = (frame: JsonObject | undefined): JsonObject => (frame?.["item"] ?? {}) as JsonObject;
const text = (words: string) => ({ type: "text", text: words }) as const;
const call = (id: string, more: object = {}) =>
  ({ type: "tool_call", id, name: "t", kind: "function", arguments: '{"a":1}', ...more }) as const;
const state = { dialect: "anthropic-messages", provider: "anthropic", data: "EqMD" } as const;

test("a text is told in the order that clients hold on to", () => {
  const wire = frames([text("Hi")]);
  assert.deepEqual(types(wire), [
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
  assert.deepEqual(
    wire.map((frame) => frame["sequence_number"]),
    wire.map((_, index) => index),
  );
  assert.deepEqual(wire[4], {
    type: "response.output_text.delta",
    sequence_number: 4,
    item_id: "msg_01jd_0",
    output_index: 0,
    content_index: 0,
    delta: "Hi",
    logprobs: [],
  });
  const { id, object, status, model, created_at, output, ...rest } = last(wire);
  assert.deepEqual(
    [id, object, status, model, created_at],
    ["resp_01jd", "response", "completed", "asked-for", 1_795_000_000],
  );
  const content = [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }];
  assert.deepEqual(output, [{ id: "msg_01jd_0", type: "message", status: "completed", role: "assistant", content }]);
  assert.deepEqual(rest["usage"], {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 75, cache_write_tokens: 0 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 109,
  });
});

test("what is streamed is what a whole reply says", () => {
  const parts: Reply["parts"] = [
    { type: "thinking", text: "Hm", state },
    text("A"),
    { ...text("B"), citations: [{ url: "https://b.example", start: 0, end: 1 }] },
    call("1"),
    { type: "thinking", text: "", state },
    call("2", { kind: "custom", arguments: "raw" }),
    { type: "refusal", text: "No" },
  ];
  for (const reason of ["tool_calls", "length", "window_full", "stop_sequence", "pause", "refusal"] as const) {
    assert.deepEqual(last(frames(parts, { reason })), encodeReply(reply(parts, { reason }), replyContext), reason);
  }
});

test("each item is done before the next begins, and every event names its own", () => {
  const wire = frames([{ type: "thinking", text: "Hm" }, text("A"), text("B"), call("1"), text("C")]);
  let open: string | undefined;
  for (const frame of wire) {
    const item = frame["item"] as JsonObject | undefined;
    if (frame["type"] === "response.output_item.added") {
      assert.equal(open, undefined);
      open = String(item?.["id"]);
    } else if (frame["type"] === "response.output_item.done") {
      assert.equal(item?.["id"], open);
      open = undefined;
    } else if (frame["response"] === undefined) assert.equal(frame["item_id"], open);
  }
  const output = last(wire)["output"] as readonly JsonObject[];
  assert.deepEqual(
    output.map((item) => item["type"]),
    ["reasoning", "message", "function_call", "message"],
  );
  assert.equal(
    output[1] && (output[1]["content"] as unknown[]).length,
    2,
    "texts that follow each other are one message",
  );
});

describe("reasoning", () => {
  test("a thought is a summary, and its state comes sealed", () => {
    const wire = frames([{ type: "thinking", text: "Hm", state }]);
    assert.deepEqual(types(wire).slice(2, -1), [
      "output_item.added",
      "reasoning_summary_part.added",
      "reasoning_summary_text.delta",
      "reasoning_summary_text.done",
      "reasoning_summary_part.done",
      "output_item.done",
    ]);
    const item = wire.at(-2)?.["item"] as JsonObject;
    assert.deepEqual(testSeal.open(String(item["encrypted_content"])), state);
  });

  test("a state alone is an item; an empty block is none", () => {
    assert.deepEqual(types(frames([{ type: "thinking", text: "", state }])).slice(2, -1), [
      "output_item.added",
      "output_item.done",
    ]);
    assert.deepEqual(types(frames([{ type: "thinking", text: "" }])), ["created", "in_progress", "completed"]);
  });
});

describe("calls", () => {
  test("no arguments are an empty object, in the delta, in its end and in the item", () => {
    const wire = frames([call("1", { arguments: "" })]);
    const [delta, end, done] = wire.slice(3, 6);
    assert.deepEqual([delta?.["delta"], end?.["arguments"], itemOf(done)["arguments"]], ["{}", "{}", "{}"]);
    assert.equal(itemOf(wire[2])["arguments"], "");
  });

  test("broken arguments stay as they are", () => {
    assert.equal(itemOf(frames([call("1", { arguments: '{"a' })]).at(-2))["arguments"], '{"a');
  });

  test("a custom tool has its input raw, and a tool in a namespace its own name (B54)", () => {
    const tools = [
      { kind: "custom", name: "exec", within: { namespace: "functions", name: "exec" } },
      { kind: "function", name: "clock__now", within: { namespace: "clock", name: "now" } },
    ] as const;
    const context = { ...replyContext, tools };
    const parts = [
      call("1", { kind: "custom", name: "exec", arguments: 'say("hi")' }),
      call("2", { name: "clock__now" }),
    ];
    const wire = frames(parts, { reason: "tool_calls" }, context);
    const at = { item_id: "ctc_01jd_0", output_index: 0 };
    assert.deepEqual(wire.slice(2, 6), [
      {
        type: "response.output_item.added",
        sequence_number: 2,
        output_index: 0,
        item: {
          id: "ctc_01jd_0",
          status: "in_progress",
          call_id: "1",
          name: "exec",
          namespace: "functions",
          type: "custom_tool_call",
          input: "",
        },
      },
      { type: "response.custom_tool_call_input.delta", sequence_number: 3, ...at, delta: 'say("hi")' },
      { type: "response.custom_tool_call_input.done", sequence_number: 4, ...at, input: 'say("hi")' },
      {
        type: "response.output_item.done",
        sequence_number: 5,
        output_index: 0,
        item: {
          id: "ctc_01jd_0",
          status: "completed",
          call_id: "1",
          name: "exec",
          namespace: "functions",
          type: "custom_tool_call",
          input: 'say("hi")',
        },
      },
    ]);
    const [, second] = last(wire)["output"] as readonly JsonObject[];
    assert.deepEqual([second?.["namespace"], second?.["name"]], ["clock", "now"]);
    assert.equal(wire.find((frame) => frame["type"] === "response.function_call_arguments.done")?.["name"], "now");
  });
});

test("pages that a text rests on are told before it ends, with all of their fields", () => {
  const wire = frames([{ ...text("Åre"), citations: [{ url: "https://a.example" }, { quote: "no page" }] }]);
  const annotation = {
    type: "url_citation",
    start_index: 0,
    end_index: 3,
    title: "https://a.example",
    url: "https://a.example",
  };
  const told = wire.filter((frame) => frame["type"] === "response.output_text.annotation.added");
  assert.deepEqual(
    told.map((frame) => [frame["annotation_index"], frame["annotation"]]),
    [[0, annotation]],
  );
});

describe("ends", () => {
  const end = (finish: Reply["finish"], parts: Reply["parts"] = [text("x")]) => {
    const wire = frames(parts, finish);
    const { status, incomplete_details: details } = last(wire);
    return [types(wire).at(-1), status, (details as { readonly reason?: string } | null)?.reason];
  };

  test("a cut is incomplete, and says why", () => {
    assert.deepEqual(end({ reason: "length" }), ["incomplete", "incomplete", "max_output_tokens"]);
    assert.deepEqual(end({ reason: "window_full" }), ["incomplete", "incomplete", "max_output_tokens"]);
    assert.deepEqual(end({ reason: "refusal" }), ["incomplete", "incomplete", "content_filter"]);
    assert.deepEqual(end({ reason: "pause" }), ["completed", "completed", undefined]);
    assert.deepEqual(end({ reason: "refusal" }, [{ type: "refusal", text: "No" }]), [
      "completed",
      "completed",
      undefined,
    ]);
  });

  test("where nothing was said but why it was refused, that is said", () => {
    const finish = { reason: "refusal", detail: "Not that." } as const;
    const [item] = last(frames([], finish))["output"] as readonly JsonObject[];
    assert.deepEqual(item?.["content"], [{ type: "refusal", refusal: "Not that." }]);
    assert.deepEqual(last(frames([], finish)), encodeReply(reply([], finish), replyContext));
    assert.equal((last(frames([text("x")], finish))["output"] as unknown[]).length, 1);
  });

  test("a call that is none is a failure to be tried again", () => {
    const wire = frames([], { reason: "malformed_call" });
    assert.equal(types(wire).at(-1), "failed");
    assert.equal((last(wire)["error"] as JsonObject)["code"], "server_error");
    assert.throws(() => encodeReply(reply([], { reason: "malformed_call" }), replyContext), { code: "upstream_broke" });
  });

  test("usage that nobody stated is none", () => {
    const events: ReplyEvent[] = [{ type: "start" }, { type: "finish", finish: { reason: "end" }, usage: undefined }];
    assert.equal(last(framesOf(write(events)))["usage"], null);
  });
});

describe("failures", () => {
  const failure = (status: number, message: string, more: object = {}): Failure => ({
    code: "upstream_broke",
    status,
    message,
    requestId: "01jd",
    ...more,
  });

  function failed(
    said: Failure,
    events: readonly ReplyEvent[] = [],
  ): { readonly wire: readonly JsonObject[]; readonly error: JsonObject } {
    const encoder = createStreamEncoder(replyContext);
    const wire = framesOf(events.map((event) => encoder.push(event)).join("") + encoder.fail(said));
    return { wire, error: last(wire)["error"] as JsonObject };
  }

  test("each says what Codex decides by", () => {
    const codes = [
      failure(400, "prompt is too long: 250000 tokens > 200000 maximum"),
      failure(402, "no credit"),
      failure(429, "slow down", { retryAfterSeconds: 7 }),
      failure(503, "busy"),
      failure(502, "broke off"),
      failure(400, "no such parameter"),
    ].map((each) => failed(each).error["code"]);
    assert.deepEqual(codes, [
      "context_length_exceeded",
      "insufficient_quota",
      "rate_limit_exceeded",
      "server_is_overloaded",
      "server_error",
      "invalid_prompt",
    ]);
    const waits = failed(failure(429, "slow down", { retryAfterSeconds: 7 })).error;
    assert.equal(waits["message"], "slow down. Please try again in 7s.");
    const hinted = failed(failure(502, "it broke", { hint: "try again" })).error;
    assert.equal(hinted["message"], "it broke. Try again");
  });

  test("in the middle of an item, the whole ones stay and the open one does not (B18, B19)", () => {
    const events: ReplyEvent[] = eventsOf(reply([text("whole")])).slice(0, -1);
    events.push({ type: "block_start", block: { type: "tool_call", id: "1", name: "t", kind: "function" } });
    events.push({ type: "block_delta", text: '{"pa' });
    const { wire } = failed(failure(502, "broke off"), events);
    assert.equal(types(wire).at(-1), "failed");
    assert.deepEqual([last(wire)["status"], last(wire)["usage"]], ["failed", null]);
    const output = last(wire)["output"] as readonly JsonObject[];
    assert.deepEqual(
      output.map((item) => item["type"]),
      ["message"],
    );
    assert.equal(wire.filter((frame) => frame["type"] === "response.output_item.done").length, 1);
  });

  test("before anything was said, the response begins all the same", () => {
    assert.deepEqual(types(failed(failure(502, "broke off")).wire), ["created", "in_progress", "failed"]);
  });

  test("a failure of the provider's writes nothing by itself", () => {
    const encoder = createStreamEncoder(replyContext);
    assert.equal(encoder.push({ type: "failure", failure: { kind: "server", status: 200, message: "x" } }), "");
    assert.match(encoder.ping(), /^:.*\n\n$/);
  });
});

test("the response repeats what its request said", () => {
  const echo = { temperature: 0.5, metadata: { a: "b" }, reasoning: { effort: "high" } };
  const response = last(frames([text("x")], { reason: "end" }, { ...replyContext, echo }));
  assert.deepEqual(
    [response["temperature"], response["metadata"], response["reasoning"]],
    [0.5, { a: "b" }, { effort: "high" }],
  );
  assert.deepEqual([response["tools"], response["tool_choice"], response["parallel_tool_calls"]], [[], "auto", true]);
});
