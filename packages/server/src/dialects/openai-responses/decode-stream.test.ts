import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { read } from "./test-parts.ts";

const created: JsonObject = { type: "response.created", response: { id: "resp_1", status: "in_progress", output: [] } };
const usage = { input_tokens: 100, input_tokens_details: { cached_tokens: 75 }, output_tokens: 9 };
const ended = (output: readonly JsonObject[] = [], more: JsonObject = {}): JsonObject => ({
  type: "response.completed",
  response: { id: "resp_1", status: "completed", output, usage, ...more },
});
const added = (output_index: number, item: JsonObject): JsonObject => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const done = (output_index: number, item: JsonObject): JsonObject => ({
  type: "response.output_item.done",
  output_index,
  item,
});
let eventCount = 0;
const textDelta = (output_index: number, delta: string, content_index = 0): JsonObject => ({
  type: "response.output_text.delta",
  item_id: `msg_${eventCount++}`, // some servers change it with every event
  output_index,
  content_index,
  delta,
});
const message = (text: string): JsonObject => ({
  type: "message",
  id: "msg_1",
  content: [{ type: "output_text", text }],
});
const call = (name: string, text = "", more: JsonObject = {}): JsonObject => ({
  type: "function_call",
  id: `fc_${name}`,
  call_id: `call_${name}`,
  name,
  arguments: text,
  ...more,
});
const argumentsDelta = (output_index: number, delta: string): JsonObject => ({
  type: "response.function_call_arguments.delta",
  output_index,
  delta,
});

function whole(events: readonly ReplyEvent[]): Reply | UpstreamFailure {
  legalOrder(events);
  const collector = new Collector();
  for (const event of events) collector.push(event);
  assert.ok(collector.end);
  return collector.end;
}

function replyTo(...wire: readonly (JsonObject | string)[]): Reply {
  const reply = whole(read(wire));
  assert.ok("parts" in reply, JSON.stringify(reply));
  return reply;
}

function failureTo(...wire: readonly (JsonObject | string)[]): UpstreamFailure {
  const reply = whole(read(wire));
  assert.ok("kind" in reply, JSON.stringify(reply));
  return reply;
}

const toolCall = (name: string, text: string, kind: "function" | "custom" = "function") =>
  ({ type: "tool_call", id: `call_${name}`, name, kind, arguments: text }) as const;

test("text comes as it is written, whatever the items are called, with the counts at its end (B56)", () => {
  const wire = [
    created,
    added(0, { type: "message", content: [] }),
    textDelta(0, "Grü"),
    textDelta(0, "ße"),
    done(0, message("Grüße")),
    ended(),
  ];
  const events = read(wire);
  assert.deepEqual(events.slice(0, 5), [
    { type: "start", id: "resp_1" },
    { type: "block_start", block: { type: "text" } },
    { type: "block_delta", text: "Grü" },
    { type: "block_delta", text: "ße" },
    { type: "block_end" },
  ]);
  const counted = { ...noTokens, input: 25, cacheRead: 75, output: 9 };
  assert.deepEqual(events[5], { type: "finish", finish: { reason: "end" }, usage: counted });
});

describe("what servers leave out is made up for", () => {
  test("items and parts that were never added (B17)", () => {
    assert.deepEqual(replyTo(textDelta(0, "Hi"), argumentsDelta(1, "{}"), done(1, call("a", "{}")), ended()).parts, [
      { type: "text", text: "Hi" },
      toolCall("a", "{}"),
    ]);
  });

  test("deltas: the text that is told whole, once", () => {
    const told = { type: "response.output_text.done", output_index: 0, content_index: 0, text: "Hello" };
    const parts = [{ type: "text", text: "Hello" }];
    assert.deepEqual(replyTo(created, told, done(0, message("Hello")), ended([message("Hello")])).parts, parts);
    assert.deepEqual(replyTo(created, done(0, message("Hello")), ended([message("Hello")])).parts, parts);
    assert.deepEqual(replyTo(created, ended([message("Hello")])).parts, parts);
    assert.deepEqual(replyTo(created, textDelta(0, "Hel"), told, ended()).parts, parts, "and what was missing of it");
  });

  test("arguments that come only when they are done", () => {
    const told = { type: "response.function_call_arguments.done", output_index: 0, arguments: '{"a":1}' };
    const wire = [created, added(0, call("a")), told, done(0, call("a", '{"a":1}')), ended([call("a", '{"a":1}')])];
    assert.deepEqual(replyTo(...wire).parts, [toolCall("a", '{"a":1}')]);
    assert.deepEqual(replyTo(created, ended([call("a", "", { arguments: { b: 2 } })])).parts, [
      toolCall("a", '{"b":2}'),
    ]);
  });

  test("indexes: items are told apart by their ids", () => {
    const delta = (item_id: string, text: string): JsonObject => ({
      type: "response.output_text.delta",
      item_id,
      delta: text,
    });
    assert.deepEqual(replyTo(delta("a", "one"), delta("b", "two"), ended([message("one"), message("two")])).parts, [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ]);
  });

  test("items in the last event, or indexes in the stream, as some count them", () => {
    const streamed = [
      created,
      added(0, { type: "reasoning" }),
      added(3, message("")),
      textDelta(3, "Hi"),
      done(3, message("Hi")),
    ];
    assert.deepEqual(replyTo(...streamed, ended([message("Hi")])).parts, [{ type: "text", text: "Hi" }]);
    assert.deepEqual(replyTo(...streamed, ended([])).parts, [{ type: "text", text: "Hi" }]);
    const all = [added(0, call("a")), argumentsDelta(0, "{}"), done(0, call("a", "{}"))];
    const again = [added(0, call("b")), argumentsDelta(0, "{}"), done(0, call("b", "{}"))];
    assert.deepEqual(replyTo(...all, ...again, ended([call("a", "{}"), call("b", "{}")])).parts, [
      toolCall("a", "{}"),
      toolCall("b", "{}"),
    ]);
  });
});

test("what is told again, or too late, is passed over (B21)", () => {
  const { parts } = replyTo(
    created,
    created,
    added(0, call("a")),
    argumentsDelta(0, "{}"),
    done(0, call("a", "{}")),
    argumentsDelta(0, "more"),
    done(0, call("a", "{}more")),
    textDelta(1, "x"),
    done(1, message("x")),
    textDelta(1, "late"),
    ended([call("a", "{}"), message("x")]),
    textDelta(2, "after the end"),
  );
  assert.deepEqual(parts, [toolCall("a", "{}"), { type: "text", text: "x" }]);
});

describe("calls", () => {
  test("two at once keep their own arguments (B03, B04)", () => {
    const { parts, finish } = replyTo(
      created,
      added(0, call("a")),
      added(1, call("b")),
      argumentsDelta(0, '{"a":'),
      argumentsDelta(1, '{"a":'),
      argumentsDelta(0, "1}"),
      argumentsDelta(1, "2}"),
      done(0, call("a", '{"a":1}')),
      done(1, call("b", '{"a":2}')),
      ended(),
    );
    assert.deepEqual(parts, [toolCall("a", '{"a":1}'), toolCall("b", '{"a":2}')]);
    assert.deepEqual(finish, { reason: "tool_calls" });
  });

  test("custom tools have any text", () => {
    const item = { type: "custom_tool_call", call_id: "call_p", name: "p" };
    const delta = { type: "response.custom_tool_call_input.delta", output_index: 0, delta: "*** Be" };
    const wire = [added(0, { ...item, input: "" }), delta, done(0, { ...item, input: "*** Begin" }), ended()];
    assert.deepEqual(replyTo(...wire).parts, [toolCall("p", "*** Begin", "custom")]);
  });

  test("a call without a name, or that breaks off, never becomes one that can be run (B19)", () => {
    assert.equal(failureTo(created, argumentsDelta(0, "{}"), ended()).kind, "broken");
    assert.equal(
      failureTo(created, argumentsDelta(0, "{}"), added(0, message("")), textDelta(0, "x"), ended()).kind,
      "broken",
    );
    const events = read([created, added(0, call("a")), argumentsDelta(0, '{"path":')]);
    assert.deepEqual(events.at(-1)?.type, "failure");
    assert.ok(!events.some((event) => event.type === "block_end"));
  });

  test("a namespace that nobody asked for is part of the name", () => {
    assert.deepEqual(replyTo(ended([call("a", "{}", { namespace: "ns" })])).parts[0], {
      ...toolCall("a", "{}"),
      name: "ns__a",
    });
    for (const namespace of ["functions", "a"]) {
      assert.deepEqual(replyTo(ended([call("a", "{}", { namespace })])).parts[0], toolCall("a", "{}"));
    }
  });
});

describe("reasoning", () => {
  const summary = (delta: string, summary_index = 0, output_index = 0): JsonObject => ({
    type: "response.reasoning_summary_text.delta",
    output_index,
    summary_index,
    delta,
  });
  const item = (more: JsonObject = {}): JsonObject => ({ type: "reasoning", id: "rs_9", summary: [], ...more });
  const state = { dialect: "openai-responses", provider: "openai", data: "gAAA", id: "rs_9" };

  test("the parts of a summary are apart, and the state is that of the whole item", () => {
    const { parts } = replyTo(
      added(0, item({ id: "rs_0", encrypted_content: "not yet" })),
      summary("One"),
      summary(" and"),
      { type: "response.reasoning_summary_part.done", output_index: 0, summary_index: 0, part: { text: "One and" } },
      summary("Two", 1),
      done(0, item({ encrypted_content: "gAAA" })),
      done(1, message("Hi")),
      ended(),
    );
    assert.deepEqual(parts, [
      { type: "thinking", text: "One and\n\nTwo", state },
      { type: "text", text: "Hi" },
    ]);
  });

  test("a state without a thought is kept, and an item without either is nothing", () => {
    const wire = [
      added(0, item()),
      done(0, item({ encrypted_content: "gAAA" })),
      done(1, item({ encrypted_content: null })),
      ended(),
    ];
    assert.deepEqual(replyTo(...wire).parts, [{ type: "thinking", text: "", state }]);
  });

  test("open models tell the thought itself; told both ways, it is told once (B08)", () => {
    const thought = (delta: string): JsonObject => ({
      type: "response.reasoning_text.delta",
      output_index: 0,
      content_index: 0,
      delta,
    });
    const both = item({
      summary: [{ type: "summary_text", text: "S" }],
      content: [{ type: "reasoning_text", text: "Hm" }],
    });
    assert.deepEqual(replyTo(thought("H"), thought("m"), done(0, both), ended([both])).parts, [
      { type: "thinking", text: "Hm" },
    ]);
    assert.deepEqual(replyTo(thought("Hm"), summary("S"), ended()).parts, [{ type: "thinking", text: "Hm" }]);
    assert.deepEqual(replyTo(done(0, { ...both, summary: [] }), ended()).parts, [{ type: "thinking", text: "Hm" }]);
  });

  test("reasoning, a call, reasoning and text are four blocks (B06)", () => {
    const { parts } = replyTo(
      summary("one"),
      done(0, item()),
      done(1, call("a", "{}")),
      summary("two", 0, 2),
      done(2, item()),
      textDelta(3, "Hi"),
      ended(),
    );
    assert.deepEqual(
      parts.map((part) => part.type),
      ["thinking", "tool_call", "thinking", "text"],
    );
  });
});

describe("parts of a message", () => {
  test("each is a block of its own, with the pages that it rests on", () => {
    const annotation = { type: "url_citation", url: "https://a.example", title: "A", start_index: 0, end_index: 1 };
    const citations = [{ url: "https://a.example", title: "A", start: 0, end: 1 }];
    const two = {
      type: "message",
      content: [
        { type: "output_text", text: "a", annotations: [annotation] },
        { type: "output_text", text: "b" },
      ],
    };
    const said = { type: "response.output_text.annotation.added", output_index: 0, content_index: 0, annotation };
    const expected = [
      { type: "text", text: "a", citations },
      { type: "text", text: "b" },
    ];
    assert.deepEqual(
      replyTo(textDelta(0, "a"), said, textDelta(0, "b", 1), done(0, two), ended([two])).parts,
      expected,
    );
    assert.deepEqual(replyTo(done(0, two), ended([two])).parts, expected);
    assert.deepEqual(replyTo(ended([two])).parts, expected);
  });

  test("a refusal is one, and the reason of the end", () => {
    const refusal = { type: "response.refusal.delta", output_index: 0, content_index: 0, delta: "No." };
    const reply = replyTo(created, refusal, { ...refusal, type: "response.refusal.done", refusal: "No." }, ended());
    assert.deepEqual(reply.parts, [{ type: "refusal", text: "No." }]);
    assert.deepEqual(reply.finish, { reason: "refusal" });
  });
});

describe("ends", () => {
  const cut = (reason: string): JsonObject => ({
    ...ended([], { incomplete_details: { reason } }),
    type: "response.incomplete",
  });

  test("each reason of the dialect has its own, and calls go before an end (B14)", () => {
    const reasons = ["max_output_tokens", "content_filter", "steered"].map(
      (reason) => replyTo(textDelta(0, "x"), cut(reason)).finish.reason,
    );
    assert.deepEqual(reasons, ["length", "refusal", "pause"]);
    assert.equal(replyTo(done(0, call("a", "{}")), ended()).finish.reason, "tool_calls");
    assert.equal(replyTo(done(0, call("a", "{}")), cut("max_output_tokens")).finish.reason, "length");
  });

  test("a reply without an end has failed, and what follows an error is passed over (B18)", () => {
    const last = failureTo(created, textDelta(0, "x"));
    assert.deepEqual([last.kind, last.status], ["broken", 200]);
    const quota = {
      type: "insufficient_quota",
      code: "insufficient_quota",
      message: "You exceeded your current quota",
    };
    const failed = {
      type: "response.failed",
      response: { status: "failed", error: { code: "server_error", message: "later" } },
    };
    assert.deepEqual(failureTo(created, { type: "error", error: quota }, failed), {
      kind: "credits",
      status: 200,
      message: "You exceeded your current quota",
    });
  });

  test("errors of every form are understood", () => {
    const failed = (error: JsonObject | null): JsonObject => ({
      type: "response.failed",
      response: { status: "failed", error },
    });
    const kinds = [
      failed({ code: "rate_limit_exceeded", message: "slow" }),
      failed({ code: "context_length_exceeded", message: "Your input exceeds the context window of this model." }),
      failed({ code: "server_is_overloaded", message: "busy" }),
      failed(null),
      { type: "error", code: "server_error", message: "oops" },
      { type: "error", message: "The server had an error", code: null },
      { error: { message: "upstream", code: 503 } },
      { type: "response.cancelled", response: { status: "cancelled" } },
      { object: "chat.completion.chunk", choices: [{ delta: { content: "hi" } }] },
      { type: "response.completed", response: { status: "failed", error: { code: "invalid_prompt", message: "no" } } },
    ].map((event) => failureTo(created, event).kind);
    assert.deepEqual(kinds, [
      "rate_limited",
      "context_too_long",
      "overloaded",
      "server",
      "server",
      "server",
      "overloaded",
      "broken",
      "broken",
      "rejected",
    ]);
  });
});

test("whatever comes, in whatever order, the events stay in order and nothing is thrown", () => {
  const index = fc.constantFrom<unknown>(0, 1, 2, undefined, -1, "x");
  const words = fc.constantFrom<unknown>("", "a", "{}", null, 7, undefined);
  const type = fc.constantFrom<unknown>(
    "message",
    "reasoning",
    "function_call",
    "custom_tool_call",
    "web_search_call",
    "constructor",
    null,
  );
  const name = fc.constantFrom<unknown>("f", "", undefined);
  const content = fc.array(
    fc.record({ type: fc.constantFrom("output_text", "refusal"), text: words, refusal: words }),
    { maxLength: 2 },
  );
  const summary = fc.array(fc.record({ text: words }), { maxLength: 2 });
  const item = fc.record({
    type,
    id: words,
    call_id: words,
    name,
    arguments: words,
    input: words,
    content,
    summary,
    encrypted_content: words,
  });
  const output = fc.array(item, { maxLength: 3 });
  const deltas = [
    "response.output_text.delta",
    "response.output_text.done",
    "response.refusal.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_text.done",
    "response.reasoning_text.delta",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.custom_tool_call_input.delta",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.annotation.added",
    "response.created",
    "response.in_progress",
    "constructor",
  ];
  const annotation = fc.constantFrom<unknown>({ type: "url_citation", url: "https://a.example" }, null);
  const event = fc.record({
    type: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...deltas) },
      fc.constantFrom("response.completed", "response.incomplete", "error"),
    ),
    output_index: index,
    content_index: index,
    summary_index: index,
    item_id: words,
    delta: words,
    text: words,
    arguments: words,
    item,
    annotation,
    response: fc.record({ id: words, output }),
  });
  const wire = fc.array(fc.oneof({ weight: 30, arbitrary: event }, fc.constantFrom("[DONE]", "{", "null", "[]", "7")), {
    maxLength: 25,
  });
  fc.assert(
    fc.property(wire, (events) => {
      legalOrder(read(events));
    }),
    { numRuns: 1_500 },
  );
});
