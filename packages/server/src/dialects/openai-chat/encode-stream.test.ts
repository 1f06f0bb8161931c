import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noTokens } from "../../kernel/tokens.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, ReasoningState } from "../canonical/conversation.ts";
import type { Finish, ReplyEvent } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { ReplyContext } from "../codec.ts";
import { openaiChatCodec } from "./codec.ts";
import { contextWith, framesOf } from "./test-parts.ts";

const usage = { ...noTokens, input: 25, cacheRead: 75, output: 5, reasoning: 2 };

function written(events: readonly ReplyEvent[], context: Partial<ReplyContext> = {}): readonly string[] {
  const encoder = openaiChatCodec.createStreamEncoder(contextWith(context));
  return framesOf(events.map((event) => encoder.push(event)).join(""));
}

function chunksOf(
  parts: readonly AssistantPart[],
  finish: Finish = { reason: "end" },
  context: Partial<ReplyContext> = {},
) {
  const frames = written(eventsOf({ parts, finish, usage }), context);
  assert.equal(frames.at(-1), "[DONE]");
  return frames
    .slice(0, -1)
    .map((frame) => JSON.parse(frame) as JsonObject & { readonly choices: readonly JsonObject[] });
}

const deltasOf = (parts: readonly AssistantPart[], finish?: Finish, context?: Partial<ReplyContext>) =>
  chunksOf(parts, finish, context).flatMap(({ choices }) => choices.map(({ delta }) => delta));

const text = (said: string): AssistantPart => ({ type: "text", text: said });
const call = (id: string, given: string): AssistantPart => {
  return { type: "tool_call", id, name: "f", kind: "function", arguments: given };
};
const state: ReasoningState = { dialect: "gemini", provider: "google", data: "sig" };

describe("a stream for a caller of Chat Completions", () => {
  test("begins with the role, and ends with one finish and the mark", () => {
    const chunks = chunksOf([text('Hi "there"\n')]);
    const head = { id: "chatcmpl-req_1", object: "chat.completion.chunk", created: 1_795_000_000, model: "fast" };
    const choice = (delta: JsonObject, finish: string | null = null) => ({
      ...head,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    });
    assert.deepEqual(chunks, [
      choice({ role: "assistant", content: "" }),
      choice({ content: 'Hi "there"\n' }),
      choice({}, "stop"),
    ]);
  });

  test("states the counts only if asked to, in a chunk without choices (B20, B56)", () => {
    const chunks = chunksOf([text("Hi")], { reason: "end" }, { echo: { includesUsage: true } });
    const last = chunks.at(-1);
    assert.deepEqual(last?.choices, []);
    assert.deepEqual(last["usage"], {
      prompt_tokens: 100,
      completion_tokens: 5,
      total_tokens: 105,
      prompt_tokens_details: { cached_tokens: 75, cache_write_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 2,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    });
    assert.ok(chunks.slice(0, -1).every((chunk) => chunk["usage"] === null));
    const unknown = written([{ type: "start" }, { type: "finish", finish: { reason: "end" }, usage: undefined }], {
      echo: { includesUsage: true },
    });
    assert.equal(unknown.length, 3);
  });

  test("numbers calls among themselves from 0 (B15, B16)", () => {
    const deltas = deltasOf([text("Look:"), call("a", '{"x":1}'), call("b", "{}"), call("c", "{}")], {
      reason: "tool_calls",
    });
    const calls = deltas.flatMap((delta) => (delta as { tool_calls?: readonly JsonObject[] }).tool_calls ?? []);
    assert.deepEqual(calls.slice(0, 3), [
      { index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } },
      { index: 0, function: { arguments: '{"x":1}' } },
      { index: 1, id: "b", type: "function", function: { name: "f", arguments: "" } },
    ]);
    assert.deepEqual(
      calls.map(({ index }) => index),
      [0, 0, 1, 1, 2, 2],
    );
  });

  test("gives a call without arguments an empty object", () => {
    assert.deepEqual(deltasOf([call("a", "")]).at(2), { tool_calls: [{ index: 0, function: { arguments: "{}" } }] });
  });

  test("writes calls of tools that take any text as such, empty ones too", () => {
    const custom: AssistantPart = { type: "tool_call", id: "p", name: "patch", kind: "custom", arguments: "***" };
    assert.deepEqual(deltasOf([custom]).slice(1, 3), [
      { tool_calls: [{ index: 0, id: "p", type: "custom", custom: { name: "patch", input: "" } }] },
      { tool_calls: [{ index: 0, custom: { input: "***" } }] },
    ]);
    assert.deepEqual(deltasOf([{ ...custom, arguments: "" }]).length, 3);
  });

  test("gives callers of the old form one function call", () => {
    const echo = { callsFunction: true };
    const chunks = chunksOf([call("a", "{}"), call("b", "{}")], { reason: "tool_calls" }, { echo });
    assert.deepEqual(
      chunks.slice(1, -1).map(({ choices }) => choices[0]?.["delta"]),
      [{ function_call: { name: "f", arguments: "" } }, { function_call: { arguments: "{}" } }],
    );
    assert.equal(chunks.at(-1)?.choices[0]?.["finish_reason"], "function_call");
  });

  test("shows reasoning, with its state where clients keep it", () => {
    const thinking: AssistantPart = { type: "thinking", text: "hm", state };
    const [, shown, details = {}, begun = {}] = deltasOf([thinking, call("a", "{}")]) as JsonObject[];
    assert.deepEqual(shown, { reasoning_content: "hm" });
    const [detail] = details["reasoning_details"] as JsonObject[];
    assert.deepEqual(
      { ...detail, data: undefined },
      {
        type: "reasoning.encrypted",
        data: undefined,
        format: "portcullis",
        id: "reasoning_0_2",
        index: 0,
      },
    );
    assert.deepEqual(testSeal.open(String(detail?.["data"])), state);
    const [calledWith] = begun["tool_calls"] as JsonObject[];
    assert.deepEqual(calledWith?.["extra_content"], { google: { thought_signature: detail?.["data"] } });
  });

  test("hides it from callers who declined", () => {
    const thinking: AssistantPart = { type: "thinking", text: "hm", state };
    const deltas = deltasOf([thinking, text("Hi")], undefined, { echo: { hidesReasoning: true } });
    assert.deepEqual(
      deltas.flatMap((delta) => Object.keys(delta as object)),
      ["role", "content", "reasoning_details", "content"],
    );
  });

  test("sets texts apart that something stood between, and places citations in the whole", () => {
    const cited: AssistantPart = {
      type: "text",
      text: "Yes.",
      citations: [{ url: "https://example.com", quote: "q" }],
    };
    const deltas = deltasOf([text("Wait."), call("a", "{}"), cited]);
    assert.deepEqual(deltas.slice(-3, -1), [
      { content: "\n\nYes." },
      {
        annotations: [
          {
            type: "url_citation",
            url_citation: { url: "https://example.com", title: "https://example.com", start_index: 7, end_index: 11 },
          },
        ],
      },
    ]);
  });

  test("leaves texts together that nothing stood between, as a whole answer does", () => {
    const deltas = deltasOf([text("Snow in Åre"), text(", says the paper."), call("a", "{}"), text("Cold.")]);
    const said = deltas.map((delta) => (delta as { readonly content?: string }).content ?? "").join("");
    assert.equal(said, "Snow in Åre, says the paper.\n\nCold.");
  });

  test("finishes in the dialect's words", () => {
    const word = (reason: Finish["reason"]) => chunksOf([text("x")], { reason }).at(-1)?.choices[0]?.["finish_reason"];
    assert.deepEqual(
      (
        ["end", "stop_sequence", "length", "window_full", "tool_calls", "refusal", "pause", "malformed_call"] as const
      ).map(word),
      ["stop", "stop", "length", "length", "tool_calls", "content_filter", "stop", "stop"],
    );
    assert.deepEqual(deltasOf([{ type: "refusal", text: "No." }])[1], { refusal: "No." });
  });

  test("that fails ends in an error, without a finish and without the mark (B18)", () => {
    const encoder = openaiChatCodec.createStreamEncoder(contextWith());
    encoder.push({ type: "start" });
    assert.equal(encoder.push({ type: "failure", failure: { kind: "broken", status: 200, message: "m" } }), "");
    const said = encoder.fail({ code: "upstream_broke", status: 502, message: "it broke off", requestId: "req_1" });
    assert.deepEqual(
      framesOf(said).map((frame) => JSON.parse(frame)),
      [{ error: { message: "it broke off", type: "server_error", param: null, code: "upstream_broke" } }],
    );
    assert.match(encoder.ping(), /^:/);
  });
});
