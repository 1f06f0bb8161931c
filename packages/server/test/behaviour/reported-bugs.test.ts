import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { openGate } from "../support/gateway.ts";
import { begun, call, delta, done, type Told, told as scripted, type Wire } from "../support/scripted-stream.ts";
import { type DialectId, normalEnd } from "./ask.ts";

/*
 * Streams that other gateways were reported to get wrong, from the provider's bytes to the caller's. The numbers are those of the
 * catalogue of reported bugs that the codecs' tests name too.
 */

const gate = await openGate();
beforeEach(() => gate.simulator.clear());

const told = (from: DialectId, to: DialectId, events: readonly (Wire | string)[], body: Wire = {}): Promise<Told> =>
  scripted(gate, from, to, events, body);

const counts = {
  choices: [],
  usage: { prompt_tokens: 100, completion_tokens: 9, prompt_tokens_details: { cached_tokens: 75 } },
};
/** Asks to read what is thought. */
const shown = { thinking: { type: "adaptive", display: "summarized" } };

/** Blocks by their types, with what is in them. */
function blocksOf({ reply }: Told): readonly unknown[] {
  return (reply["content"] as readonly Wire[]).map((block) => [
    block["type"],
    block["input"] ?? block["thinking"] ?? block["text"],
  ]);
}

/** Fails unless one block is open at a time, each with its own kind of deltas, and all are numbered in order. */
function assertWellFormed({ documents }: Told): void {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    text: ["text_delta"],
    thinking: ["thinking_delta", "signature_delta"],
    tool_use: ["input_json_delta"],
  };
  let open: string | undefined;
  let next = 0;
  for (const { type, index, content_block: block, delta: part } of documents) {
    if (type === "content_block_start") {
      assert.equal(open, undefined, "two blocks are open");
      assert.equal(index, next);
      open = String((block as Wire)["type"]);
    } else if (type === "content_block_delta") {
      assert.equal(index, next);
      assert.ok(
        kinds[open ?? ""]?.includes(String((part as Wire)["type"])),
        `${String((part as Wire)["type"])} in ${open}`,
      );
      assert.notEqual((part as Wire)["text"], "");
    } else if (type === "content_block_stop") {
      assert.equal(index, next++);
      open = undefined;
    }
  }
  assert.equal(open, undefined, "a block has no end");
  assert.equal(documents.filter(({ type }) => type === "message_start").length, 1);
}

function ending({ documents }: Told): Wire {
  const ends = documents.filter(({ type }) => type === "message_delta");
  assert.equal(ends.length, 1);
  return ends[0] ?? {};
}

function stopOf(all: Told): unknown {
  return (ending(all)["delta"] as Wire)["stop_reason"];
}

describe("a chat stream for a client of Anthropic's", () => {
  const cases: readonly (readonly [string, readonly (Wire | string)[], readonly unknown[], string])[] = [
    [
      "begins with a call: no empty text before it (B01)",
      [
        delta({ role: "assistant", content: "", tool_calls: [begun(0)] }),
        delta({ tool_calls: [call(0, '{"a":1}')] }),
        delta({}, "tool_calls"),
        done,
      ],
      [["tool_use", { a: 1 }]],
      "tool_use",
    ],
    [
      "goes on with text behind a call: its first words are there (B02)",
      [
        delta({ content: "A" }),
        delta({ tool_calls: [begun(0, "{}")] }),
        delta({ content: "B1" }),
        delta({ content: "B2" }),
        delta({}, "stop"),
        done,
      ],
      [
        ["text", "A"],
        ["tool_use", {}],
        ["text", "B1B2"],
      ],
      "tool_use",
    ],
    [
      "has two calls back to back (B03)",
      [
        delta({ tool_calls: [begun(0, '{"a":1}')] }),
        delta({ tool_calls: [begun(1, '{"a":2}')] }),
        delta({}, "tool_calls"),
        done,
      ],
      [
        ["tool_use", { a: 1 }],
        ["tool_use", { a: 2 }],
      ],
      "tool_use",
    ],
    [
      "has calls that take turns (B04)",
      [
        delta({ tool_calls: [begun(0, '{"a"')] }),
        delta({ tool_calls: [begun(1, '{"a"')] }),
        delta({ tool_calls: [call(0, ":1}")] }),
        delta({ tool_calls: [call(1, ":2}")] }),
        delta({}, "tool_calls"),
        done,
      ],
      [
        ["tool_use", { a: 1 }],
        ["tool_use", { a: 2 }],
      ],
      "tool_use",
    ],
    [
      "has a line break while a call is open: it is text, in a block of its own (B05)",
      [delta({ tool_calls: [begun(0, '{"a":1}')] }), delta({ content: "\n" }), delta({}, "tool_calls"), done],
      [
        ["tool_use", { a: 1 }],
        ["text", "\n"],
      ],
      "tool_use",
    ],
    [
      "thinks first: one beginning, and two blocks (B07)",
      [delta({ role: "assistant", reasoning_content: "hm" }), delta({ content: "Hi" }), delta({}, "stop"), done],
      [
        ["thinking", "hm"],
        ["text", "Hi"],
      ],
      "end_turn",
    ],
    [
      "is reasoning alone: it is not empty (B08)",
      [delta({ reasoning_content: "hm" }), delta({}, "stop"), done],
      [["thinking", "hm"]],
      "end_turn",
    ],
    [
      "says everything in one chunk (B09)",
      [
        {
          ...delta(
            { reasoning_content: "hm", content: "Hi", tool_calls: [begun(0, '{"a":1}'), begun(1, '{"a":2}')] },
            "tool_calls",
          ),
          usage: counts.usage,
        },
        done,
      ],
      [
        ["thinking", "hm"],
        ["text", "Hi"],
        ["tool_use", { a: 1 }],
        ["tool_use", { a: 2 }],
      ],
      "tool_use",
    ],
    [
      "says that it merely stopped, though there are calls (B14)",
      [delta({ tool_calls: [begun(0, "{}")] }), delta({}, "stop"), done],
      [["tool_use", {}]],
      "tool_use",
    ],
    [
      "was cut behind a call: that it was cut is what counts (B14)",
      [delta({ tool_calls: [begun(0, "{}")] }), delta({ content: "and" }), delta({}, "length"), done],
      [
        ["tool_use", {}],
        ["text", "and"],
      ],
      "max_tokens",
    ],
    [
      "repeats a whole call at its end: it is one call (B21)",
      [delta({ tool_calls: [begun(0, '{"a":1}')] }), delta({ tool_calls: [begun(0, '{"a":1}')] }, "tool_calls"), done],
      [["tool_use", { a: 1 }]],
      "tool_use",
    ],
  ];
  for (const [name, events, blocks, stop] of cases) {
    test(name, async () => {
      const all = await told("anthropic-messages", "openai-chat", events, shown);
      assertWellFormed(all);
      assert.deepEqual(blocksOf(all), blocks);
      assert.equal(stopOf(all), stop);
      assert.match(all.text, normalEnd);
    });
  }

  test("is reasoning alone for a client that does not want to read it: it is not empty either (B08)", async () => {
    const events = [delta({ reasoning_content: "hm" }), delta({}, "stop"), done];
    const hidden = { thinking: { type: "adaptive", display: "omitted" } };
    const all = await told("anthropic-messages", "openai-chat", events, hidden);
    assertWellFormed(all);
    assert.deepEqual(blocksOf(all), [["thinking", ""]]);
  });

  test("closes a thought with a signature before the text begins (B10)", async () => {
    const events = [delta({ reasoning_content: "hm" }), delta({ content: "Hi" }), delta({}, "stop"), done];
    const { documents } = await told("anthropic-messages", "openai-chat", events, shown);
    const types = documents.map(({ type, delta: part }) => (part as Wire | undefined)?.["type"] ?? type);
    const from = types.indexOf("thinking_delta");
    assert.deepEqual(types.slice(from, from + 4), [
      "thinking_delta",
      "signature_delta",
      "content_block_stop",
      "content_block_start",
    ]);
  });

  test("states all counts at the end, once, the cached apart (B11, B12, B56)", async () => {
    const events = [delta({ content: "Hi" }), delta({}, "stop"), counts, done];
    const all = await told("anthropic-messages", "openai-chat", events, shown);
    assert.partialDeepStrictEqual(ending(all)["usage"], {
      input_tokens: 25,
      cache_read_input_tokens: 75,
      output_tokens: 9,
    });
    const [start] = all.documents;
    const first = ((start ?? {})["message"] as Wire)["usage"] as Wire;
    for (const field of ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"])
      assert.equal(typeof first[field], "number", field);
  });
});

describe("a Responses stream for a client of Anthropic's", () => {
  const reasoning = (index: number, text: string): readonly Wire[] => [
    {
      type: "response.output_item.added",
      output_index: index,
      item: { type: "reasoning", id: `rs_${index}`, summary: [] },
    },
    { type: "response.reasoning_summary_text.delta", output_index: index, summary_index: 0, delta: text },
    {
      type: "response.output_item.done",
      output_index: index,
      item: {
        type: "reasoning",
        id: `rs_${index}`,
        summary: [{ type: "summary_text", text }],
        encrypted_content: `e${index}`,
      },
    },
  ];
  const called = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: '{"a":1}' };
  const end = {
    type: "response.completed",
    response: { id: "resp_1", status: "completed", output: [], usage: { input_tokens: 5, output_tokens: 6 } },
  };

  test("thinks, calls, thinks again and answers in four blocks (B06)", async () => {
    const all = await told(
      "anthropic-messages",
      "openai-responses",
      [
        { type: "response.created", response: { id: "resp_1" } },
        ...reasoning(0, "one"),
        { type: "response.output_item.added", output_index: 1, item: { ...called, arguments: "" } },
        { type: "response.function_call_arguments.delta", output_index: 1, delta: '{"a":1}' },
        { type: "response.output_item.done", output_index: 1, item: called },
        ...reasoning(2, "two"),
        { type: "response.output_text.delta", output_index: 3, content_index: 0, delta: "Hi" },
        end,
      ],
      shown,
    );
    assertWellFormed(all);
    assert.deepEqual(blocksOf(all), [
      ["thinking", "one"],
      ["tool_use", { a: 1 }],
      ["thinking", "two"],
      ["text", "Hi"],
    ]);
  });

  test("never adds its items, and is read all the same (B17)", async () => {
    const all = await told("anthropic-messages", "openai-responses", [
      { type: "response.output_text.delta", output_index: 0, content_index: 0, delta: "Hi" },
      { type: "response.output_item.done", output_index: 1, item: called },
      end,
    ]);
    assertWellFormed(all);
    assert.deepEqual(blocksOf(all), [
      ["text", "Hi"],
      ["tool_use", { a: 1 }],
    ]);
  });
});
