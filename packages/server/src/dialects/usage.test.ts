import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noTokens, type TokenUsage } from "../kernel/tokens.ts";
import { type DialectId, dialects, type UsageReader, type UsageReading } from "./index.ts";
import { bodyReader, streamReader } from "./test-parts.ts";

const fixtures = join(import.meta.dirname, "../../test/fixtures");

function fixture(id: DialectId, name: string): Buffer {
  return readFileSync(join(fixtures, id, name));
}

function read(reader: UsageReader, chunks: readonly Buffer[]): UsageReading {
  for (const chunk of chunks) reader.push(chunk);
  return reader.end();
}

function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places, bytes.length].toSorted((one, other) => one - other);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

interface Expected {
  readonly tokens?: Partial<TokenUsage>;
  readonly model?: string;
  readonly stopReason?: string;
  readonly incomplete?: true;
  readonly outputText?: string;
  readonly failure?: string;
}

/** What each recorded stream says. `outputText` is the generated text as it stands in the JSON. */
const streams: Readonly<Record<DialectId, Readonly<Record<string, Expected>>>> = {
  "anthropic-messages": {
    "text.sse": {
      tokens: { input: 2050, output: 57, cacheRead: 18_000, cacheWrite: 120, cacheWrite1h: 500, reasoning: 21 },
      model: "claude-sonnet-4-6",
      stopReason: "end_turn",
      outputText: 'The user greets me. Grüß Gott – what can I \\"do\\"?\\n{\\"usage\\":{\\"output_tokens\\":99999}}',
    },
    "tool-use.sse": {
      tokens: { input: 472, output: 89 },
      model: "claude-sonnet-4-6",
      stopReason: "tool_use",
      outputText: 'I look it up.{\\"city\\": \\"San Francisco\\"}',
    },
    "error.sse": {
      tokens: { input: 300, output: 1, cacheRead: 40 },
      model: "claude-sonnet-4-6",
      incomplete: true,
      outputText: "Half a",
      failure: "overloaded_error",
    },
    "restated-input.sse": {
      tokens: { input: 61, output: 5, cacheRead: 12 },
      model: "qwen3-coder",
      stopReason: "max_tokens",
      outputText: "Hello",
    },
    "compaction.sse": {
      tokens: { input: 682 + 60_385, output: 1320 + 592 },
      model: "claude-sonnet-4-6",
      stopReason: "end_turn",
      outputText: "So far we planned the garden.Next, the pond.",
    },
    "reordered.sse": {
      tokens: { input: 10, output: 4 },
      model: "claude-haiku-4-5",
      stopReason: "end_turn",
      outputText: "Hi there",
    },
  },
  "openai-chat": {
    "text.sse": {
      tokens: { input: 29, output: 46, cacheRead: 1024, cacheWrite: 64, reasoning: 32 },
      model: "gpt-5-nano-2025-08-07",
      stopReason: "stop",
      outputText: 'Wie geht\'s – \\"gut\\"?\\n\\"usage\\":{\\"prompt_tokens\\":9}data: [DONE]',
    },
    "no-usage.sse": { model: "gpt-5-nano-2025-08-07", stopReason: "length", outputText: "Hello there" },
    "tool-calls.sse": {
      tokens: { input: 80, output: 17 },
      model: "gpt-5-nano-2025-08-07",
      stopReason: "tool_calls",
      outputText: '{\\"city\\":\\"Rom\\"}',
    },
    "deepseek.sse": {
      tokens: { input: 19, output: 83, cacheRead: 320, reasoning: 39 },
      model: "deepseek-reasoner",
      stopReason: "stop",
      outputText: "ThinkYes.",
    },
    "groq.sse": {
      tokens: { input: 44, output: 7 },
      model: "llama-3.3-70b-versatile",
      stopReason: "stop",
      outputText: "Hi",
    },
    "xai.sse": {
      tokens: { input: 1, output: 26 + 227, cacheRead: 306, reasoning: 227 },
      model: "grok-3-mini",
      stopReason: "stop",
      outputText: "First12",
    },
    "usage-everywhere.sse": {
      tokens: { input: 5, output: 3 },
      model: "gemini-3-flash",
      stopReason: "stop",
      outputText: "One two three",
    },
    "openrouter-error.sse": { model: "z-ai/glm-5", stopReason: "error", outputText: "WellPar", failure: "error" },
    "azure.sse": {
      tokens: { input: 15, output: 78, reasoning: 64 },
      model: "gpt-5-nano-2025-08-07",
      stopReason: "stop",
      outputText: "Rome",
    },
    "spaced.sse": { tokens: { input: 3, output: 1 }, model: "local", stopReason: "stop", outputText: "Hey" },
  },
  "openai-responses": {
    "text.sse": {
      tokens: { input: 12, output: 141, cacheRead: 20, cacheWrite: 5, reasoning: 128 },
      model: "gpt-5.1-2025-11-13",
      stopReason: "completed",
      outputText: '**Greeting**Hi – \\"usage\\":{\\"input_tokens\\":1}',
    },
    "incomplete.sse": {
      tokens: { input: 9, output: 16 },
      model: "gpt-5.1-2025-11-13",
      stopReason: "max_output_tokens",
      outputText: "Once",
    },
    "failed.sse": { model: "gpt-5.1-2025-11-13", stopReason: "failed", failure: "insufficient_quota" },
    "function-call.sse": {
      tokens: { input: 60, output: 18 },
      model: "gpt-5.1-2025-11-13",
      stopReason: "completed",
      outputText: '{\\"city\\":\\"Rom\\"}',
    },
    "reordered.sse": {
      tokens: { input: 12, output: 141, cacheRead: 20, cacheWrite: 5, reasoning: 128 },
      model: "gpt-5.1-2025-11-13",
      stopReason: "completed",
      outputText: "Sorted",
    },
  },
};

function reading(expected: Expected): Omit<UsageReading, "announced"> {
  return {
    tokens: expected.tokens && { ...noTokens, ...expected.tokens },
    model: expected.model,
    stopReason: expected.stopReason,
    complete: expected.incomplete !== true,
    outputBytes: Buffer.byteLength(expected.outputText ?? ""),
    failure: expected.failure,
  };
}

/** What was announced is tested with the events that repeat it. */
function assertReads(found: UsageReading, expected: Expected, where: string): void {
  assert.deepEqual(found, { ...reading(expected), announced: found.announced }, where);
}

for (const { id } of dialects) {
  describe(`a stream of ${id}`, () => {
    test("every fixture is in the table", () => {
      const files = globSync("*.sse", { cwd: join(fixtures, id) }).map((file) => basename(file));
      assert.deepEqual(files.sort(), Object.keys(streams[id]).sort());
    });

    for (const [name, expected] of Object.entries(streams[id])) {
      const bytes = fixture(id, name);
      test(`${name} is read, wherever it is split`, () => {
        for (let place = 0; place <= bytes.length; place++) {
          assertReads(read(streamReader(id), split(bytes, [place])), expected, `split at ${place}`);
        }
        const single = split(bytes, [...bytes.keys()]);
        assertReads(read(streamReader(id), single), expected, "byte by byte");
        const places = fc.array(fc.nat(bytes.length), { maxLength: 20 });
        fc.assert(
          fc.property(places, (cuts) => {
            assertReads(read(streamReader(id), split(bytes, cuts)), expected, `split at ${cuts.join()}`);
          }),
          { numRuns: 50 },
        );
      });

      test(`${name} is read with other line ends, comments, without names, and without its last blank line`, () => {
        const text = bytes.toString();
        const variants: Readonly<Record<string, string>> = {
          crlf: text.replaceAll("\n", "\r\n"),
          cr: text.replaceAll("\n", "\r"),
          comments: text.replaceAll("\n\n", "\n\n: keep-alive\n\nid: 4\nretry: 10\n"),
          unnamed: text.replaceAll(/^event: .*\n/gm, ""),
          unspaced: text.replaceAll(/^data: /gm, "data:"),
          mark: `\ufeff${text}`,
          unended: text.trimEnd(),
        };
        for (const [variant, changed] of Object.entries(variants)) {
          const found = read(streamReader(id), split(Buffer.from(changed), [7, 100, 101, 300]));
          assertReads(found, expected, variant);
        }
      });

      test(`${name} cut off anywhere neither throws nor counts more than the whole`, () => {
        const whole = reading(expected);
        for (let end = 0; end < bytes.length; end++) {
          const found = read(streamReader(id), [bytes.subarray(0, end)]);
          assert.ok(found.outputBytes <= whole.outputBytes, `cut at ${end}`);
          assert.ok((found.tokens?.output ?? 0) <= (whole.tokens?.output ?? 0), `cut at ${end}`);
        }
      });
    }

    test("bytes that are no stream are read as nothing, and never throw", () => {
      const junk = fc.array(
        fc.oneof(
          fc.constantFrom(
            "data: ",
            "data:",
            "\n",
            "\n\n",
            "\r",
            '{"type":"',
            '"delta":',
            "message_start",
            '"usage":{',
            "{",
            "}",
            '"',
            "[DONE]",
            "null",
            ":",
          ),
          fc.string(),
        ),
      );
      fc.assert(
        fc.property(junk, (parts) => {
          const found = read(
            streamReader(id),
            parts.map((part) => Buffer.from(part)),
          );
          assert.equal(found.tokens, undefined);
        }),
        { numRuns: 500 },
      );
    });

    test("bytes changed anywhere never make a reader throw", () => {
      const change = fc.record({
        at: fc.nat(),
        byte: fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]",:\\\n\r'))),
      });
      const files = globSync("*", { cwd: join(fixtures, id) }).map((file) => readFileSync(join(fixtures, id, file)));
      const changes = fc.array(change, { minLength: 1, maxLength: 6 });
      fc.assert(
        fc.property(fc.constantFrom(...files), changes, fc.nat(), (file, edits, cut) => {
          const bytes = Buffer.from(file);
          for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
          for (const reader of [streamReader(id), bodyReader(id)]) read(reader, split(bytes, [cut % bytes.length]));
        }),
        { numRuns: 500 },
      );
    });

    test("end may be called again", () => {
      const [name = ""] = Object.keys(streams[id]);
      const reader = streamReader(id);
      reader.push(fixture(id, name));
      assert.deepEqual(reader.end(), reader.end());
    });
  });
}

describe("a body", () => {
  const bodies: Readonly<Record<DialectId, Readonly<Record<string, Expected>>>> = {
    "anthropic-messages": {
      "reply.json": {
        tokens: { input: 25, output: 15, cacheRead: 7, cacheWrite: 60, cacheWrite1h: 40 },
        model: "claude-opus-4-8",
        stopReason: "tool_use",
      },
      "error.json": { failure: "rate_limit_error" },
    },
    "openai-chat": {
      "reply.json": {
        tokens: { input: 0, output: 10, cacheRead: 30 },
        model: "gpt-4.1-2025-04-14",
        stopReason: "stop",
      },
      "error.json": { failure: "insufficient_quota" },
    },
    "openai-responses": {
      "reply.json": {
        tokens: { input: 12, output: 141, cacheRead: 20, cacheWrite: 5, reasoning: 128 },
        model: "gpt-5.1-2025-11-13",
        stopReason: "completed",
      },
      "error.json": { failure: "unsupported_parameter" },
    },
  };

  for (const { id } of dialects) {
    for (const [name, expected] of Object.entries(bodies[id])) {
      test(`${id}/${name} is read, wherever it is split`, () => {
        const bytes = fixture(id, name);
        for (let place = 0; place <= bytes.length; place++) {
          const found = read(bodyReader(id), split(bytes, [place]));
          assert.deepEqual(found, { ...reading(expected), announced: undefined }, `split at ${place}`);
        }
      });
    }

    test(`of ${id} too large to hold states its usage all the same`, () => {
      const bytes = fixture(id, "reply.json");
      const at = bytes.indexOf("Hi –") + bytes.indexOf("Hello") + 2;
      const long = [
        bytes.subarray(0, at),
        ...Array.from({ length: 90 }, () => Buffer.alloc(65_536, "x")),
        bytes.subarray(at),
      ];
      const found = read(bodyReader(id), long);
      assert.deepEqual(found.tokens, reading(bodies[id]["reply.json"] ?? {}).tokens);
      assert.equal(found.complete, true);
      assert.equal(read(bodyReader(id), long.slice(0, -1)).complete, false);
    });

    test(`of ${id} that is cut off, or no JSON, is not complete`, () => {
      const bytes = fixture(id, "reply.json");
      const found = read(bodyReader(id), [bytes.subarray(0, bytes.length - 10)]);
      assert.equal(found.complete, false);
      assert.equal(found.tokens, undefined);
      assert.ok(found.outputBytes > 0);
      for (const junk of ["", "<html>bad gateway</html>", "[1,2]", '"text"']) {
        const reader = bodyReader(id);
        reader.push(Buffer.from(junk));
        assert.equal(reader.end().complete, false, junk);
        assert.deepEqual(reader.end(), reader.end());
      }
    });
  }

  test("without usage is measured, for an estimate", () => {
    const body = (id: DialectId, value: unknown) =>
      read(bodyReader(id), [Buffer.from(JSON.stringify(value))]).outputBytes;
    assert.equal(
      body("openai-chat", {
        choices: [
          {
            message: {
              role: "assistant",
              content: "four",
              tool_calls: [{ id: "call_1", function: { name: "f", arguments: "{}" } }],
            },
          },
        ],
      }),
      6,
    );
    assert.equal(
      body("anthropic-messages", {
        content: [
          { type: "thinking", thinking: "abc", signature: "sig" },
          { type: "text", text: "de" },
        ],
      }),
      5,
    );
    assert.equal(
      body("openai-responses", {
        instructions: "be",
        output: [{ type: "message", content: [{ type: "output_text", text: "abc" }] }],
      }),
      3,
    );
    assert.equal(
      body("openai-chat", {
        choices: [
          {
            message: {
              reasoning: "twice",
              reasoning_details: [{ type: "reasoning.text", text: "twice" }],
              content: "said",
            },
          },
        ],
      }),
      9,
    );
  });
});
