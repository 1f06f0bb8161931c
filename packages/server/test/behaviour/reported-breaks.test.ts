import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { openGate } from "../support/gateway.ts";
import { begun, delta, type Told, told as scripted, type Wire } from "../support/scripted-stream.ts";
import { ask, type DialectId, lastRow, modelFor, normalEnd } from "./ask.ts";

/* More streams that other gateways were reported to get wrong: those for chat clients, and those that break. */

const gate = await openGate();
beforeEach(() => gate.simulator.clear());

const told = (from: DialectId, to: DialectId, events: readonly (Wire | string)[], body: Wire = {}): Promise<Told> =>
  scripted(gate, from, to, events, body);

describe("a stream for a chat client", () => {
  const started = {
    type: "message_start",
    message: {
      id: "msg_1",
      type: "message",
      role: "assistant",
      content: [],
      model: "m",
      usage: { input_tokens: 25, cache_read_input_tokens: 75, output_tokens: 1 },
    },
  };
  const stopped = [
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 9 } },
    { type: "message_stop" },
  ];
  const used = (index: number): readonly Wire[] => [
    {
      type: "content_block_start",
      index,
      content_block: { type: "tool_use", id: `toolu_${index}`, name: "f", input: {} },
    },
    { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: `{"a":${index}}` } },
    { type: "content_block_stop", index },
  ];
  const spoken = (index: number, text: string): readonly Wire[] => [
    { type: "content_block_start", index, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index, delta: { type: "text_delta", text } },
    { type: "content_block_stop", index },
  ];
  const chunksOf = ({ documents }: Told): readonly Wire[] =>
    documents.flatMap((each) => (each["choices"] as readonly Wire[]).map((choice) => choice["delta"] as Wire));
  const indexesOf = (all: Told): readonly unknown[] =>
    chunksOf(all).flatMap((each) =>
      ((each["tool_calls"] ?? []) as readonly Wire[]).filter(({ id }) => id !== undefined).map(({ index }) => index),
    );

  test("numbers three calls of Anthropic's 0, 1, 2 (B15)", async () => {
    const all = await told("openai-chat", "anthropic-messages", [
      started,
      ...used(0),
      ...used(1),
      ...used(2),
      ...stopped,
    ]);
    assert.deepEqual(indexesOf(all), [0, 1, 2]);
  });

  test("numbers the first call behind a text 0 (B16)", async () => {
    const all = await told("openai-chat", "anthropic-messages", [started, ...spoken(0, "Hi"), ...used(1), ...stopped]);
    assert.deepEqual(indexesOf(all), [0]);
  });

  test("states the counts in a chunk without choices, and only if asked (B20, B56)", async () => {
    const events = [started, ...spoken(0, "Hi"), ...stopped];
    const asked = await told("openai-chat", "anthropic-messages", events, { stream_options: { include_usage: true } });
    const stated = asked.documents.filter(({ usage }) => usage !== undefined && usage !== null);
    assert.equal(stated.length, 1);
    assert.deepEqual(stated[0]?.["choices"], []);
    assert.partialDeepStrictEqual(stated[0]?.["usage"], {
      prompt_tokens: 100,
      completion_tokens: 9,
      prompt_tokens_details: { cached_tokens: 75 },
    });
    const unasked = await told("openai-chat", "anthropic-messages", events);
    assert.ok(unasked.documents.every(({ usage }) => usage === undefined || usage === null));
  });

  test("has Ollama's calls with their arguments as text, their numbers and one id for all (B13, B14)", async () => {
    const line = (message: Wire, more: Wire = {}): Wire => ({
      model: "m",
      created_at: "2026-01-01T00:00:00Z",
      message: { role: "assistant", content: "", ...message },
      done: false,
      ...more,
    });
    const calls = [1, 2].map((a) => ({ function: { name: "f", arguments: { a } } }));
    const all = await told("openai-chat", "ollama", [
      line({ tool_calls: calls }),
      line({}, { done: true, done_reason: "stop", prompt_eval_count: 4, eval_count: 5 }),
    ]);
    assert.deepEqual(indexesOf(all), [0, 1]);
    const message = ((all.reply["choices"] as readonly Wire[])[0]?.["message"] ?? {}) as {
      readonly tool_calls: readonly { readonly function: Wire }[];
    };
    assert.deepEqual(
      message.tool_calls.map((each) => each.function["arguments"]),
      ['{"a":1}', '{"a":2}'],
    );
    assert.match(all.text, /"finish_reason":"tool_calls"/);
    assert.equal(new Set(all.documents.map(({ id }) => id)).size, 1);
  });
});

describe("a stream that breaks", () => {
  const failing: readonly (readonly [DialectId, readonly (Wire | string)[]])[] = [
    [
      "openai-chat",
      [delta({ content: "one " }), delta({ content: "two " }), { error: { message: "no more", type: "server_error" } }],
    ],
    [
      "anthropic-messages",
      [
        {
          type: "message_start",
          message: {
            id: "m",
            type: "message",
            role: "assistant",
            content: [],
            usage: { input_tokens: 9, output_tokens: 1 },
          },
        },
        { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
        { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "one two " } },
        { type: "error", error: { type: "overloaded_error", message: "no more" } },
      ],
    ],
    [
      "ollama",
      [{ model: "m", message: { role: "assistant", content: "one two " }, done: false }, { error: "no more" }],
    ],
    [
      "gemini",
      [
        { candidates: [{ content: { role: "model", parts: [{ text: "one two " }] } }] },
        { error: { code: 503, message: "no more", status: "UNAVAILABLE" } },
      ],
    ],
    [
      "openai-responses",
      [
        { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "one two " },
        {
          type: "response.failed",
          response: { id: "r", status: "failed", error: { code: "server_error", message: "no more" } },
        },
      ],
    ],
  ];
  for (const [to, events] of failing) {
    for (const from of ["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"] as const) {
      if (from === to) continue;
      test(`says so in ${from}, behind what ${to} had said, which is charged (B18)`, async () => {
        const { text } = await told(from, to, events);
        assert.match(text, /one/);
        assert.match(text, /no more/);
        assert.doesNotMatch(text, normalEnd);
        const row = await lastRow(gate);
        assert.equal(row.outcome, "broken");
        assert.ok(row.output_tokens > 0);
      });
    }
  }

  test("in a call has no call that could be run (B19)", async () => {
    const events = [delta({ tool_calls: [begun(0, '{"path":"/')] })];
    for (const from of ["anthropic-messages", "gemini", "ollama", "openai-responses"] as const) {
      const { text, documents } = await told(from, "openai-chat", events);
      assert.doesNotMatch(text, normalEnd);
      const ended = documents.filter(
        ({ type }) => type === "content_block_stop" || type === "response.output_item.done",
      );
      assert.deepEqual(ended, [], from);
      assert.doesNotMatch(text, /"functionCall"|"tool_calls"/);
    }
  });
});

test("a reply of another dialect than the provider should speak is an error of the caller's (B55)", async () => {
  const other = {
    id: "resp_1",
    object: "response",
    status: "completed",
    output: [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }],
  };
  gate.simulator.play([{ script: { body: JSON.stringify(other), contentType: "application/json" } }]);
  const reply = await ask(gate, "anthropic-messages", { model: modelFor("openai-chat") });
  assert.equal(reply.status, 502, reply.body.toString());
  assert.partialDeepStrictEqual(reply.json(), { type: "error", error: { type: "api_error" } });
});
