import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { legalOrder } from "../canonical/test-parts.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import { noTokens } from "../../kernel/tokens.ts";
import { openaiChatCodec } from "./codec.ts";
import { callPiece, delta, failureOfEvents, origin, replyOf, streamed } from "./test-parts.ts";

const piece = (index: number, fields: object) => callPiece({ index, ...fields });
const begin = (index: number, id: string, text = "") =>
  piece(index, { id, type: "function", function: { name: "f", arguments: text } });
const more = (index: number, text: string) => piece(index, { function: { arguments: text } });
const callsOf = (events: readonly ReplyEvent[]) =>
  replyOf(events).parts.flatMap((part) => (part.type === "tool_call" ? [[part.id, part.arguments]] : []));
const kindsOf = (events: readonly ReplyEvent[]) => replyOf(events).parts.map(({ type }) => type);

describe("a stream of chunks", () => {
  test("with text, then counts in a chunk of their own, is read whole (B12)", () => {
    const usage = { prompt_tokens: 100, completion_tokens: 5, prompt_tokens_details: { cached_tokens: 75 } };
    const events = streamed([
      delta({ role: "assistant", content: "" }),
      delta({ content: "Hel" }),
      delta({ content: "lo" }),
      delta({}, "stop"),
      { choices: [], usage },
    ]);
    assert.deepEqual(events, [
      { type: "start", id: "c1" },
      { type: "block_start", block: { type: "text" } },
      { type: "block_delta", text: "Hel" },
      { type: "block_delta", text: "lo" },
      { type: "block_end" },
      { type: "finish", finish: { reason: "end" }, usage: { ...noTokens, input: 25, cacheRead: 75, output: 5 } },
    ]);
  });

  test("counts are found wherever vendors put them (B11)", () => {
    const usage = { prompt_tokens: 7, completion_tokens: 3 };
    const last = delta({}, "stop");
    const inChoice = { choices: [{ index: 0, delta: {}, finish_reason: "stop", usage }] };
    for (const chunks of [
      [{ ...last, usage }],
      [{ ...last, x_groq: { id: "r", usage } }],
      [inChoice],
      [{ ...delta({ content: "x" }), usage: { prompt_tokens: 7, completion_tokens: 1 } }, last, { choices: [], usage }],
    ]) {
      const reply = replyOf(streamed([delta({ content: "x" }), ...chunks]));
      assert.equal(reply.usage?.input, 7);
      assert.equal(reply.usage.output, 3);
    }
  });

  test("a first chunk without choices, choices that are null and an empty finish are passed over", () => {
    const reply = replyOf(
      streamed([
        { id: "", model: "", choices: [], prompt_filter_results: [] },
        { id: "c1", choices: null },
        delta({ content: "Hi" }, ""),
        delta({}, "stop"),
      ]),
    );
    assert.deepEqual([reply.id, reply.parts], ["c1", [{ type: "text", text: "Hi" }]]);
  });

  test("reasoning and text stand in blocks of their own (B07)", () => {
    for (const field of ["reasoning_content", "reasoning"]) {
      const events = streamed([
        delta({ [field]: "hm" }),
        delta({ [field]: "m", content: "" }),
        delta({ content: "4" }, "stop"),
      ]);
      assert.deepEqual(replyOf(events).parts, [
        { type: "thinking", text: "hmm" },
        { type: "text", text: "4" },
      ]);
    }
  });

  test("reasoning alone is a reply (B08)", () => {
    assert.deepEqual(kindsOf(streamed([delta({ reasoning_content: "hm" }), delta({}, "stop")])), ["thinking"]);
  });

  test("Mistral's lists of parts are text and reasoning", () => {
    const thinking = { type: "thinking", thinking: [{ type: "text", text: "hm" }] };
    const events = streamed([
      delta({ content: [thinking] }),
      delta({ content: [{ type: "text", text: "4" }] }, "stop"),
    ]);
    assert.deepEqual(kindsOf(events), ["thinking", "text"]);
  });

  test("one chunk may hold everything (B09)", () => {
    const chunk = {
      ...delta(
        {
          reasoning_content: "hm",
          content: "I will.",
          tool_calls: [
            { index: 0, id: "a", function: { name: "f", arguments: "{}" } },
            { index: 1, id: "b", function: { name: "g", arguments: '{"x":1}' } },
          ],
        },
        "tool_calls",
      ),
      usage: { prompt_tokens: 1, completion_tokens: 2 },
    };
    const reply = replyOf(streamed([chunk]));
    assert.deepEqual(
      reply.parts.map(({ type }) => type),
      ["thinking", "text", "tool_call", "tool_call"],
    );
    assert.deepEqual([reply.finish.reason, reply.usage?.output], ["tool_calls", 2]);
  });

  test("a refusal is one, whatever it finishes with", () => {
    const reply = replyOf(streamed([delta({ refusal: "I " }), delta({ refusal: "cannot." }), delta({}, "stop")]));
    assert.deepEqual(reply.parts, [{ type: "refusal", text: "I cannot." }]);
    assert.equal(reply.finish.reason, "refusal");
    assert.equal(replyOf(streamed([delta({ content: "x" }, "content_filter")])).finish.reason, "refusal");
  });

  test("the pages that a text names are cited", () => {
    const cited = {
      type: "url_citation",
      url_citation: { url: "https://example.com", title: "E", start_index: 0, end_index: 2 },
    };
    const reply = replyOf(streamed([delta({ content: "Hi" }), delta({ annotations: [cited] }), delta({}, "stop")]));
    assert.deepEqual(reply.parts, [
      { type: "text", text: "Hi", citations: [{ url: "https://example.com", title: "E", start: 0, end: 2 }] },
    ]);
  });
});

describe("calls in a stream", () => {
  test("that come first open no text (B01)", () => {
    const events = streamed([begin(0, "a"), more(0, ""), more(0, '{"x":1}'), delta({}, "tool_calls")]);
    assert.deepEqual(kindsOf(events), ["tool_call"]);
    assert.deepEqual(callsOf(events), [["a", '{"x":1}']]);
  });

  test("and text between and behind them loses nothing (B02, B05)", () => {
    const events = streamed([
      delta({ content: "A" }),
      begin(0, "a", "{}"),
      delta({ content: "\n" }),
      delta({ content: "B1" }),
      delta({ content: "B2" }, "tool_calls"),
    ]);
    const reply = replyOf(events);
    assert.deepEqual(reply.parts.at(-1), { type: "text", text: "\nB1B2" });
    assert.equal(reply.parts.length, 3);
  });

  test("back to back or taking turns are kept apart (B03, B04)", () => {
    const both = [
      ["a", '{"a":1}'],
      ["b", '{"b":2}'],
    ];
    const backToBack = [begin(0, "a"), more(0, '{"a":1}'), begin(1, "b"), more(1, '{"b":2}'), delta({}, "tool_calls")];
    assert.deepEqual(callsOf(streamed(backToBack)), both);
    const inTurns = [begin(0, "a"), begin(1, "b"), more(0, '{"a"'), more(1, '{"b"'), more(0, ":1}"), more(1, ":2}")];
    assert.deepEqual(callsOf(streamed([...inTurns, delta({}, "tool_calls")])), both);
  });

  test("a second call is passed on as it comes once the first is whole", () => {
    const decoder = openaiChatCodec.createStreamDecoder(origin);
    const push = (chunk: object) => decoder.push({ name: "message", data: JSON.stringify(chunk) });
    push(begin(0, "a", '{"a":1}'));
    assert.deepEqual(push(begin(1, "b", '{"b"')).at(-1), { type: "block_delta", text: '{"b"' });
  });

  test("without numbers, with the same number, or without ids are told apart (B42)", () => {
    const whole = (id: unknown, text: string, index?: number) => ({
      ...(index !== undefined && { index }),
      id,
      function: { name: "f", arguments: text },
    });
    for (const [calls, ids] of [
      [
        [whole("a", '{"a":1}'), whole("b", '{"b":2}')],
        ["a", "b"],
      ],
      [
        [whole("a", '{"a":1}', 0), whole("b", '{"b":2}', 0)],
        ["a", "b"],
      ],
      [
        [whole("", '{"a":1}', 0), whole("", '{"b":2}', 0)],
        ["", ""],
      ],
      [
        [whole(null, '{"a":1}'), whole(null, '{"b":2}')],
        ["", ""],
      ],
      [
        [whole("x", '{"a":1}', 0), whole("x", '{"b":2}', 1)],
        ["x", "x"],
      ],
    ] as const) {
      const expected = [
        [ids[0], '{"a":1}'],
        [ids[1], '{"b":2}'],
      ];
      assert.deepEqual(callsOf(streamed([delta({ tool_calls: calls }), delta({}, "tool_calls")])), expected);
      assert.deepEqual(callsOf(streamed([...calls.map(callPiece), delta({}, "stop")])), expected);
    }
  });

  test("pieces that repeat the name or the id, or lack the number, go on with their call", () => {
    const named = (text: string) => callPiece({ id: "a", function: { name: "f", arguments: text } });
    assert.deepEqual(callsOf(streamed([named('{"a":'), named('{"b"'), named(":1}}"), delta({}, "stop")])), [
      ["a", '{"a":{"b":1}}'],
    ]);
    const bare = (text: string) => callPiece({ function: { arguments: text } });
    assert.deepEqual(callsOf(streamed([begin(0, "a"), bare("{}"), delta({}, "stop")])), [["a", "{}"]]);
  });

  test("a call that is repeated whole at the end is one call (B21)", () => {
    const chunks = [begin(0, "a"), more(0, '{"x"'), more(0, ":1}")];
    const again = delta(
      { tool_calls: [{ index: 0, id: "a", function: { name: "f", arguments: '{"x":1}' } }] },
      "tool_calls",
    );
    assert.deepEqual(callsOf(streamed([...chunks, again])), [["a", '{"x":1}']]);
  });

  test("arguments may be an object", () => {
    assert.deepEqual(
      callsOf(streamed([piece(0, { id: "a", function: { name: "f", arguments: { x: 1 } } }), delta({}, "stop")])),
      [["a", '{"x":1}']],
    );
  });

  test("finish with calls, whatever the provider says, unless they were cut (B14)", () => {
    assert.equal(replyOf(streamed([begin(0, "a", "{}"), delta({}, "stop")])).finish.reason, "tool_calls");
    assert.equal(replyOf(streamed([begin(0, "a", '{"x'), delta({}, "length")])).finish.reason, "length");
    assert.equal(replyOf(streamed([delta({ content: "none" }, "tool_calls")])).finish.reason, "end");
  });

  test("of tools that take any text, and of functions in the old form, are calls", () => {
    const custom = [
      piece(0, { id: "p", type: "custom", custom: { name: "patch", input: "" } }),
      piece(0, { custom: { input: "***" } }),
    ];
    assert.deepEqual(replyOf(streamed([...custom, delta({}, "tool_calls")])).parts, [
      { type: "tool_call", id: "p", name: "patch", kind: "custom", arguments: "***" },
    ]);
    const old = [
      delta({ function_call: { name: "f", arguments: "" } }),
      delta({ function_call: { arguments: "{}" } }, "function_call"),
    ];
    assert.deepEqual(callsOf(streamed(old)), [["", "{}"]]);
  });
});

describe("reasoning that the provider wants back", () => {
  test("in details is a state of what was thought", () => {
    const detail = (fields: object) => ({ type: "reasoning.text", index: 0, ...fields });
    const reply = replyOf(
      streamed([
        delta({ reasoning: "I ", reasoning_details: [detail({ text: "I " })] }),
        delta({ reasoning: "see", reasoning_details: [detail({ text: "see", signature: null })] }),
        delta({ reasoning_details: [detail({ signature: "sig" })] }),
        delta({ content: "4" }, "stop"),
      ]),
    );
    const data = JSON.stringify([{ type: "reasoning.text", index: 0, text: "I see", signature: "sig" }]);
    assert.deepEqual(reply.parts, [
      { type: "thinking", text: "I see", state: { dialect: "openai-chat", provider: "openai", data, kind: "details" } },
      { type: "text", text: "4" },
    ]);
  });

  test("and is said once more at the end is no second thought", () => {
    const whole = [{ type: "reasoning.summary", summary: "I see", index: 0 }];
    const chunks = [delta({ reasoning: "I " }), delta({ reasoning: "see" }), delta({ reasoning_details: whole })];
    assert.deepEqual(replyOf(streamed([...chunks, delta({ content: "4" }, "stop")])).parts[0], {
      type: "thinking",
      text: "I see",
    });
  });

  test("and comes beside calls does not end them", () => {
    const encrypted = { type: "reasoning.encrypted", data: "x", index: 0 };
    const events = streamed([
      begin(0, "a", '{"x"'),
      delta({ reasoning_details: [encrypted] }),
      more(0, ":1}"),
      delta({}, "stop"),
    ]);
    assert.deepEqual(callsOf(events), [["a", '{"x":1}']]);
    const last = replyOf(events).parts.at(-1);
    assert.equal(last?.type === "thinking" && last.state?.kind, "details");
  });

  test("that is text only is no state", () => {
    const reply = replyOf(
      streamed([
        delta({ reasoning_details: [{ type: "reasoning.text", text: "hm" }] }),
        delta({ content: "4" }, "stop"),
      ]),
    );
    assert.deepEqual(reply.parts[0], { type: "thinking", text: "hm" });
  });

  test("in a call's signature stands before that call, and no other (B44)", () => {
    const signed = {
      id: "a",
      function: { name: "f", arguments: "{}" },
      extra_content: { google: { thought_signature: "s" } },
    };
    const reply = replyOf(streamed([piece(0, signed), begin(1, "b", "{}"), delta({}, "stop")]));
    assert.deepEqual(
      reply.parts.map((part) => (part.type === "thinking" ? part.state?.data : part.type)),
      ["s", "tool_call", "tool_call"],
    );
  });
});

describe("a stream that fails", () => {
  test("says so in the words of many (B18)", () => {
    const text = [delta({ content: "Hel" }), delta({ content: "lo" })];
    for (const [chunk, kind] of [
      [{ error: { message: "slow down", type: "rate_limit_error", code: "rate_limit_exceeded" } }, "rate_limited"],
      [
        { error: { message: "Provider returned error", code: 502 }, choices: [{ delta: {}, finish_reason: "error" }] },
        "server",
      ],
      [{ error: "boom" }, "server"],
      [{ object: "error", message: "no", code: 400 }, "rejected"],
      [{ id: "c", choices: [], x_groq: { error: "over capacity" } }, "server"],
      [{ choices: [{ index: 0, error: { code: 429, message: "m" } }] }, "rate_limited"],
      [delta({}, "error"), "server"],
      [delta({}, "insufficient_system_resource"), "overloaded"],
      ["<html>", "broken"],
    ] as const) {
      const events = streamed([...text, chunk, delta({ content: "more" }, "stop")]);
      assert.equal(failureOfEvents(events).kind, kind, JSON.stringify(chunk));
      assert.equal(events.filter(({ type }) => type === "block_delta").length, 2);
    }
  });

  test("is one that ends without a finish or a mark, also in the middle of a call (B19)", () => {
    assert.equal(failureOfEvents(streamed([delta({ content: "Hel" })], true)).kind, "broken");
    const cut = streamed([begin(0, "a", '{"x":')], true);
    assert.equal(failureOfEvents(cut).kind, "broken");
    assert.ok(cut.every(({ type }) => type !== "block_end"));
    assert.equal(failureOfEvents(streamed([])).kind, "broken");
  });

  test("a finish without a mark, or a mark without a finish, is an end", () => {
    assert.equal(replyOf(streamed([delta({ content: "Hi" }, "stop")], true)).finish.reason, "end");
    assert.equal(replyOf(streamed([delta({ content: "Hi" })])).finish.reason, "end");
  });

  test("is one of another dialect (B55)", () => {
    const failure = failureOfEvents(streamed([{ type: "response.created", response: {} }]));
    assert.deepEqual([failure.kind, /Responses/.test(failure.message)], ["broken", true]);
    assert.match(failureOfEvents(streamed([{ type: "message_start", message: {} }])).message, /Messages/);
  });
});

describe("whatever comes", () => {
  const text = fc.constantFrom("", "a", "\n", "{", "}", '{"x":1}', "{}", '"');
  const id = fc.constantFrom(undefined, null, "", "a", "b");
  const called = fc.record({
    index: fc.constantFrom(undefined, null, 0, 1, "0"),
    id,
    type: fc.constantFrom(undefined, "function", "custom"),
    function: fc.option(
      fc.record({
        name: fc.constantFrom(undefined, "", "f", "g"),
        arguments: fc.oneof(text, fc.constant({ x: 1 }), fc.constant(null)),
      }),
    ),
    extra_content: fc.constantFrom(undefined, { google: { thought_signature: "s" } }),
  });
  const fields = fc.record(
    {
      content: fc.oneof(
        text,
        fc.constant(null),
        fc.constant([{ type: "text", text: "t" }, { type: "thinking", thinking: "h" }, 5]),
      ),
      reasoning_content: text,
      reasoning: text,
      reasoning_details: fc.constantFrom(
        [{ type: "reasoning.encrypted", data: "x" }],
        [{ type: "reasoning.text", text: "h" }],
        {},
        [null],
      ),
      refusal: text,
      tool_calls: fc.oneof(fc.array(called, { maxLength: 3 }), fc.constant(null), fc.constant([7])),
      function_call: fc.constantFrom(null, { name: "f", arguments: "{" }),
      annotations: fc.constant([{ type: "url_citation", url_citation: { url: "u" } }, 1]),
    },
    { requiredKeys: [] },
  );
  const finish = fc.constantFrom(undefined, null, "", "stop", "tool_calls", "length", "content_filter", "error", 5);
  const chunk = fc.oneof(
    fields.chain((given) =>
      finish.map((word) => JSON.stringify({ id: "c", choices: [{ delta: given, finish_reason: word }] })),
    ),
    fc.constantFrom(
      "",
      "[DONE]",
      "null",
      "[]",
      "{",
      '{"choices":null}',
      '{"choices":[5]}',
      '{"choices":[{"message":{"content":"m"}}]}',
    ),
    fc.constantFrom('{"usage":{"prompt_tokens":1}}', '{"error":{}}', '{"error":null}'),
    fc.json(),
  );

  test("the events are in their order, and nothing throws", () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 12 }), (chunks) => {
        const decoder = openaiChatCodec.createStreamDecoder(origin);
        legalOrder([...chunks.flatMap((data) => decoder.push({ name: "message", data })), ...decoder.end()]);
      }),
      { numRuns: 1000 },
    );
  });
});
