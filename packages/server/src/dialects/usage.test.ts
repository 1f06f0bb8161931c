import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noMedia } from "../kernel/tokens.ts";
import { type DialectId, dialects, type UsageReading } from "./index.ts";
import {
  bodyReader,
  type Expected,
  fixture,
  fixtures,
  idOf,
  read,
  reading,
  split,
  streamReader,
} from "./test-parts.ts";

/** What each recorded stream says. */
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
  gemini: {
    "text.sse": {
      tokens: { input: 548, output: 23 + 212, cacheRead: 1500, reasoning: 212 },
      model: "gemini-3-pro-preview",
      stopReason: "STOP",
      outputText:
        '**Greeting**\\n\\nThe user says hello.Grüß Gott – what can I \\"do\\"?\\n{\\"usageMetadata\\":{\\"candidatesTokenCount\\":99999}}',
    },
    "tool-call.sse": {
      tokens: { input: 87 + 13, output: 31 + 64, reasoning: 64 },
      model: "gemini-3-pro-preview",
      stopReason: "STOP",
    },
    "text-last.sse": {
      tokens: { input: 10, output: 9 },
      model: "gemini-2.5-flash",
      stopReason: "MAX_TOKENS",
      outputText: "I looked. Nothing there.",
    },
    "blocked.sse": { tokens: { input: 23 }, model: "gemini-2.5-pro", stopReason: "PROHIBITED_CONTENT" },
    "error.sse": {
      tokens: { input: 40, output: 2 },
      model: "gemini-2.5-flash",
      incomplete: true,
      outputText: "Half a",
      failure: "UNAVAILABLE",
    },
    "image.sse": {
      tokens: { input: 300, output: 1295, media: { ...noMedia, inputImage: 258, outputImage: 1290 } },
      model: "gemini-3-pro-image-preview",
      stopReason: "STOP",
      outputText: "Here it is.",
    },
    "no-usage.sse": { stopReason: "STOP", outputText: "Hello there" },
    "cut.sse": {
      tokens: { input: 8, output: 703, reasoning: 700 },
      model: "gemini-2.5-flash",
      incomplete: true,
      outputText: "One two three",
    },
  },
  ollama: {
    "text.ndjson": {
      tokens: { input: 31, output: 24 },
      model: "qwen3:8b",
      stopReason: "stop",
      outputText: 'The user greets me.Grüß Gott – \\"so\\"\\n{\\"done\\":true,\\"eval_count\\":99999}',
    },
    "tool-call.ndjson": {
      tokens: { input: 164, output: 19 },
      model: "qwen3:8b",
      stopReason: "stop",
      outputText: "I look it up.",
    },
    "length.ndjson": {
      tokens: { input: 12, output: 2 },
      model: "qwen3:8b",
      stopReason: "length",
      outputText: "Once upon",
    },
    "generate.ndjson": {
      tokens: { input: 14, output: 4 },
      model: "gemma3:4b",
      stopReason: "stop",
      outputText: "Rome is old",
    },
    "cached-prompt.ndjson": { model: "qwen3:8b", stopReason: "stop", outputText: "Hello there" },
    "error.ndjson": { model: "qwen3:8b", incomplete: true, outputText: "Half a", failure: "error" },
    "load.ndjson": { tokens: {}, model: "qwen3:8b", stopReason: "load" },
    "reordered.ndjson": {
      tokens: { input: 9, output: 3 },
      model: "local",
      stopReason: "stop",
      outputText: "Sorted!",
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

/** What was announced is tested with the events that repeat it. */
function assertReads(found: UsageReading, expected: Expected, where: string): void {
  assert.deepEqual(found, { ...reading(expected), announced: found.announced, ...idOf(found) }, where);
}

for (const { id } of dialects) {
  describe(`a stream of ${id}`, () => {
    test("every fixture is in the table", () => {
      const files = globSync("*.{ndjson,sse}", { cwd: join(fixtures, id) }).map((file) => basename(file));
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
      const files = globSync("*.{json,ndjson,sse}", { cwd: join(fixtures, id) }).map((file) =>
        readFileSync(join(fixtures, id, file)),
      );
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
