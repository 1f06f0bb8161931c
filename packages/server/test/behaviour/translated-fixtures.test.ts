import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import type { Script } from "../../src/simulator/index.ts";
import { aiSdks } from "../support/ai-sdks.ts";
import { openGate } from "../support/gateway.ts";
import { officialSdks } from "../support/official-sdks.ts";
import { readsThoughts, type Question, type Sdk } from "../support/sdks.ts";
import { dialectIds, modelFor, type DialectId } from "./ask.ts";

/*
 * The replies of many vendors, with all their oddities, as the SDKs of every other dialect read them through the gateway: a good
 * one is read whole, a broken one is an error, and neither ever the other.
 */

const gate = await openGate();
beforeEach(() => gate.simulator.clear());

/** What there is to read in a reply; nothing said of thoughts or calls is none, and of the end, an `end`. */
interface Readable {
  readonly thought?: string;
  readonly text?: string;
  readonly calls?: readonly (readonly [name: string, input: object])[];
  readonly end?: keyof Sdk["words"];
}

/** Words that an error has. */
type Failing = RegExp;

const fixtures: Readonly<Record<DialectId, Readonly<Record<string, Readable | Failing>>>> = {
  "anthropic-messages": {
    "compaction.sse": { text: "Next, the pond." },
    "error.json": /more requests/,
    "error.sse": /overloaded/,
    "reordered.sse": { text: "Hi there" },
    "reply.json": {
      text: "Hello.",
      // Written so that it is a member like any other.
      calls: [["save", JSON.parse('{"usage":{"input_tokens":1,"output_tokens":1},"__proto__":{"x":1}}') as object]],
      end: "calls",
    },
    "restated-input.sse": { text: "Hello", end: "length" },
    "text.sse": {
      thought: "The user greets me. ",
      text: 'Grüß Gott – what can I "do"?\n{"usage":{"output_tokens":99999}}',
    },
    "tool-use.sse": { text: "I look it up.", calls: [["weather", { city: "San Francisco" }]], end: "calls" },
  },
  gemini: {
    "blocked.sse": { end: "refusal" },
    "cut.sse": /broke off/,
    "error.json": /quota/,
    "error.sse": /overloaded/,
    "image.sse": { text: "Here it is." },
    "no-usage.sse": { text: "Hello there" },
    "reply.json": { text: "Hello, Åre.", calls: [["get_weather", { city: "Åre" }]], end: "calls" },
    "text-last.sse": { text: "I looked. Nothing there.", calls: [["look", {}]], end: "length" },
    "text.sse": {
      thought: "**Greeting**\n\nThe user says hello.",
      text: 'Grüß Gott – what can I "do"?\n{"usageMetadata":{"candidatesTokenCount":99999}}',
    },
    "tool-call.sse": {
      calls: [
        ["get_weather", { city: "Åre", finishReason: "SAFETY" }],
        ["get_weather", { city: "Rom" }],
      ],
      end: "calls",
    },
  },
  ollama: {
    "cached-prompt.ndjson": { text: "Hello there" },
    "error.json": /llama9/,
    "error.ndjson": /unexpected EOF/,
    "generate.ndjson": { text: "Rome is old" },
    "length.ndjson": { text: "Once upon", end: "length" },
    "load.ndjson": {},
    "reordered.ndjson": { text: "Sorted!" },
    "reply.json": { text: 'Hi – "prompt_eval_count":9 is only text. Welcome.' },
    "text.ndjson": { thought: "The user greets me.", text: 'Grüß Gott – "so"\n{"done":true,"eval_count":99999}' },
    "tool-call.ndjson": { text: "I look it up.", calls: [["get_weather", { city: "Rom", days: 2 }]], end: "calls" },
  },
  "openai-chat": {
    "azure.sse": { text: "Rome" },
    "deepseek.sse": { thought: "Think", text: "Yes." },
    "error.json": /quota/,
    "groq.sse": { text: "Hi" },
    "no-usage.sse": { text: "Hello there", end: "length" },
    "openrouter-error.sse": /Upstream disconnected/,
    "reply.json": { text: 'Hello! {"usage":{"prompt_tokens":1}}' },
    "spaced.sse": { text: "Hey" },
    "text.sse": { text: 'Wie geht\'s – "gut"?\n"usage":{"prompt_tokens":9}data: [DONE]' },
    "tool-calls.sse": { calls: [["weather", { city: "Rom" }]], end: "calls" },
    "usage-everywhere.sse": { text: "One two three" },
    "xai.sse": { thought: "First", text: "12" },
  },
  "openai-responses": {
    "error.json": /temperature/,
    "failed.sse": /quota/,
    "function-call.sse": { calls: [["weather", { city: "Rom" }]], end: "calls" },
    "incomplete.sse": { text: "Once", end: "length" },
    "reordered.sse": { text: "Sorted" },
    "reply.json": { text: 'Hi – "usage":{"input_tokens":1}' },
    "text.sse": { thought: "**Greeting**", text: 'Hi – "usage":{"input_tokens":1}' },
  },
};

const folder = new URL("../fixtures/", import.meta.url);
const filesOf = (dialect: DialectId): readonly string[] =>
  readdirSync(new URL(`${dialect}/`, folder)).filter((file) => file.includes(".") && !file.startsWith("embed"));

const contentTypes: Readonly<Record<string, string>> = {
  json: "application/json",
  ndjson: "application/x-ndjson",
  sse: "text/event-stream",
};

function scriptFor(dialect: DialectId, file: string): Script {
  const body = readFileSync(new URL(`${dialect}/${file}`, folder), "utf8");
  const contentType = contentTypes[file.split(".").at(-1) ?? ""] ?? "";
  return { body, contentType, ...(file === "error.json" && { status: 429 }) };
}

const way = { url: gate.url, key: gate.key };
const official = officialSdks(way);
const sdks = [...official, ...aiSdks(way)];
const tools = ["get_weather", "weather", "save", "look"];

async function assertRead(sdk: Sdk, question: Question, streamed: boolean, expected: Readable): Promise<void> {
  const { thought = "", text = "", calls = [], end = "end" } = expected;
  const heard = await sdk.ask(question, streamed);
  assert.match(heard.finish, sdk.words[end]);
  if (readsThoughts(sdk, streamed)) assert.equal(heard.thought, thought);
  // Why it was refused may be told in words, where nothing else was said.
  if (end !== "refusal" || heard.text === "") assert.equal(heard.text, text);
  assert.deepEqual(
    heard.calls.map(({ name, input }) => [name, input]),
    calls,
  );
}

async function assertFails(sdk: Sdk, question: Question, streamed: boolean, words: RegExp): Promise<void> {
  const outcome = await sdk.ask(question, streamed).then(
    ({ finish }) => ({ finish, error: undefined }),
    (error: unknown) => ({ finish: undefined, error }),
  );
  const { finish, error } = outcome;
  // One client hides the words of errors, and takes a stream's for an end that it does not know.
  if (sdk.name === "ollama-ai-provider-v2")
    assert.ok(error !== undefined || finish === "other", `it ended: ${String(finish)}`);
  else assert.match(String(error), words);
}

/** What the AI SDK's own reader of JSON refuses, from whomever it is. */
const pollutes = (file: string): boolean => file === "reply.json";

for (const from of dialectIds) {
  describe(`replies of providers that speak ${from}`, () => {
    test("are all told here what is in them", () => {
      assert.deepEqual(Object.keys(fixtures[from]).toSorted(), filesOf(from).toSorted());
    });

    for (const [file, expected] of Object.entries(fixtures[from])) {
      const question: Question = { model: modelFor(from), prompt: "hello", maxTokens: 4_000, tools, thinks: true };
      const ways = file.endsWith(".json") ? [false] : [true, false];
      const readers = sdks.filter((sdk) => sdk.dialect !== from);
      const isError = expected instanceof RegExp;

      test(`${file} ${isError ? "is an error to" : "is read whole by"} the SDKs of all other dialects`, async (t) => {
        t.mock.method(console, "error", () => undefined);
        gate.simulator.play([{ script: scriptFor(from, file) }]);
        for (const sdk of readers) {
          if (from === "anthropic-messages" && pollutes(file) && !official.includes(sdk)) continue;
          for (const streamed of ways) {
            await (isError
              ? assertFails(sdk, question, streamed, expected)
              : assertRead(sdk, question, streamed, expected)
            ).catch((cause: unknown) => {
              throw new Error(`${sdk.name}, ${streamed ? "streamed" : "whole"}: ${String(cause)}`, { cause });
            });
          }
        }
      });
    }
  });
}
