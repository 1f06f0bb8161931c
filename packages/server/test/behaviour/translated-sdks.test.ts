import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { GoogleGenAI } from "@google/genai";
import { generateText } from "ai";
import type { Script } from "../../src/simulator/index.ts";
import { aiSdks } from "../support/ai-sdks.ts";
import { openGate, simulated } from "../support/gateway.ts";
import { officialSdks } from "../support/official-sdks.ts";
import { refusalWords, refusals } from "../support/refusals.ts";
import { readsThoughts, toolName, type Question, type Sdk } from "../support/sdks.ts";
import { dialectIds, type DialectId } from "./ask.ts";

/*
 * The newest SDKs of every dialect on providers of every other: what the SDK puts together is what the provider was scripted to
 * say. The simulated providers refuse what the vendors refuse, so what goes back in a loop has to be whole, too.
 */

const gate = await openGate();
beforeEach(() => {
  gate.simulator.clear();
  gate.simulator.play([]);
});

/** Of each vendor one that thinks, and that wants to see its thoughts again. */
const models: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "claude-sonnet-4-5",
  gemini: "gemini-3-pro",
  ollama: "qwen3:8b",
  "openai-chat": "gpt-5.5",
  "openai-responses": "gpt-5.5",
};

/** Where a provider of the dialect finds the state of its thoughts in a request; Chat Completions has none. */
const states: Readonly<Record<DialectId, RegExp | undefined>> = {
  "anthropic-messages": /"type":"thinking","thinking":"The user wrote[^"]*","signature":"[A-Za-z0-9+/=]{64}"/,
  gemini: /"thoughtSignature":"[A-Za-z0-9+/=]{64}"/,
  ollama: /"thinking":"The user wrote/,
  "openai-chat": undefined,
  "openai-responses": /"encrypted_content":"[A-Za-z0-9+/=]{64}"/,
};

const prompt = 'What is the "weather" in Åre, and 为什么?';
const thought = `The user wrote ${prompt.length} characters. A short, friendly answer will do.`;
const said = 'Grüezi! It is -4 °C, "snow"\n\tand 雪.';
const long = "some words that are not whole ".repeat(5);
const one = { city: 'Zürich "Höngg"\\', days: 3 };
const two = { city: "Åre" };
const called = (input: typeof one | typeof two) => ({ name: toolName, arguments: input });
const usage = { input: 40, cacheRead: 17, cacheWrite: 0, cacheWrite1h: 0, output: 30, reasoning: 9 };

/** Whether a provider's reply has the arguments of calls as text, which can be broken; where not, they are an object. */
function saysAsText(to: DialectId, streamed: boolean): boolean {
  return to === "openai-chat" || to === "openai-responses" || (to === "anthropic-messages" && streamed);
}

const play = (script: Script): void => gate.simulator.play([{ script }]);

/** An answer of Ollama's tells neither what was cached nor what was thought. */
function expectedCounts({ reads }: Sdk, to: DialectId) {
  const tells = to !== "ollama";
  return {
    input: 57,
    output: 30,
    ...(reads.cached && { cached: tells ? 17 : 0 }),
    ...(reads.reasoning && { reasoning: tells ? 9 : 0 }),
  };
}

async function assertRaises({ ask, words }: Sdk, question: Question): Promise<void> {
  const heard = await ask(question, true).catch((error: unknown) => error);
  if (heard instanceof Error || !Object.hasOwn(Object(heard), "finish")) return;
  const { finish } = heard as { readonly finish: string };
  for (const word of Object.values(words)) assert.doesNotMatch(finish, word, `it ended as if it were whole: ${finish}`);
}

const way = { url: gate.url, key: gate.key };
const sdks = [...officialSdks(way), ...aiSdks(way)];
const isGemini = (from: DialectId, to: DialectId): boolean => from === "gemini" || to === "gemini";
const pairs = sdks.flatMap((sdk) => dialectIds.filter((to) => to !== sdk.dialect).map((to) => ({ sdk, to })));
pairs.sort((a, b) => Number(isGemini(a.sdk.dialect, a.to)) - Number(isGemini(b.sdk.dialect, b.to)));

for (const { sdk, to } of pairs) {
  const plain: Question = {
    model: `${simulated[to]}/${models[to]}`,
    prompt,
    maxTokens: 4_000,
    tools: [],
    thinks: false,
  };
  const withTools = { ...plain, tools: [toolName] };
  const thoughtful = { ...plain, thinks: true };

  describe(`${sdk.name} on a provider that speaks ${to}`, () => {
    for (const streamed of [false, true]) {
      const how = streamed ? "streamed" : "whole";

      test(`reads a text to its end, with every count that was reported (${how})`, async () => {
        play({ text: said, usage, chunkBytes: 11 });
        const { text, thought: none, calls, finish, usage: counts } = await sdk.ask(plain, streamed);
        assert.deepEqual({ text, none, calls }, { text: said, none: "", calls: [] });
        assert.match(finish, sdk.words.end);
        if (streamed && sdk.reads.streamedUsage === false) return;
        assert.partialDeepStrictEqual({ cached: 0, reasoning: 0, ...defined(counts) }, expectedCounts(sdk, to));
      });

      test(`tells a thought from the text (${how})`, async () => {
        play({ text: said });
        const heard = await sdk.ask(thoughtful, streamed);
        assert.equal(heard.text, said);
        assert.match(heard.finish, sdk.words.end);
        if (to !== "openai-chat" && readsThoughts(sdk, streamed)) assert.equal(heard.thought, thought);
      });

      for (const [what, inputs, text] of [
        ["one call", [one], ""],
        ["two calls", [one, two], ""],
        ["a text and a call behind it", [one], said],
        ["a thought, a text and two calls", [one, two], said],
      ] as const) {
        test(`reads ${what}, with the arguments parsed (${how})`, async () => {
          play({ text, toolCalls: inputs.map(called), chunkBytes: 13 });
          const heard = await sdk.ask({ ...withTools, thinks: what.startsWith("a thought") }, streamed);
          assert.equal(heard.text, text);
          assert.deepEqual(
            heard.calls,
            inputs.map((input) => ({ name: toolName, input })),
          );
          assert.match(heard.finish, sdk.words.calls);
        });
      }

      if (saysAsText(to, streamed)) {
        test(`never gets a call to run whose arguments are broken (${how})`, async () => {
          play({ text: "", toolCalls: [{ name: toolName, arguments: '{"city": "Zür' }] });
          const calls = await sdk.ask(withTools, streamed).then(
            (heard) => heard.calls,
            () => [],
          );
          assert.deepEqual(calls, []);
        });
      }

      test(`is told that an answer was cut at its length (${how})`, async () => {
        const { text, finish } = await sdk.ask({ ...plain, maxTokens: 20 }, streamed);
        assert.ok(text.length > 0 && text.length <= 80, text);
        assert.match(finish, sdk.words.length);
      });

      const refusal = refusals[to]?.[how];
      if (refusal !== undefined) {
        test(`is told that the model refused (${how})`, async () => {
          play(refusal);
          const { text, finish } = await sdk.ask(plain, streamed);
          assert.match(finish, sdk.words.refusal);
          if (sdk.reads.refusals || text !== "") assert.equal(text, refusalWords);
        });
      }

      for (const thinks of [false, true]) {
        test(`runs two tools and gets the answer${thinks ? ", the thoughts going back with the results" : ""} (${how})`, async () => {
          gate.simulator.play([{ times: 1, script: { text: "", toolCalls: [called(one), called(two)] } }]);
          const ran: unknown[] = [];
          const answer = await sdk.loop({ ...withTools, thinks }, streamed, (input) => {
            ran.push(input);
            return `snow ${ran.length}`;
          });
          assert.deepEqual(ran, [one, two]);
          assert.match(answer, /snow 1[^]*snow 2/);
          const { length } = gate.simulator.requests;
          assert.equal(length, 2);
          const state = states[to];
          if (thinks && state !== undefined) assert.match(String(gate.simulator.requests.at(-1)?.body), state);
        });
      }
    }

    for (const script of [
      { errorAtEvent: 4 },
      { drop: "reset", dropAtEvent: 4, writes: "event" },
      { drop: "end", dropAtEvent: 4 },
    ] satisfies Script[]) {
      test(`raises what fails in mid-stream: ${JSON.stringify(script)}`, async () => {
        play({ text: long, ...script });
        await assertRaises(sdk, plain);
      });
    }
  });
}

for (const to of dialectIds.filter((id) => id !== "gemini")) {
  test(`a chat of @google/genai, which keeps a stream's chunks one by one, brings back to ${to} what was said`, async () => {
    const client = new GoogleGenAI({ apiKey: way.key, httpOptions: { baseUrl: way.url } });
    const chat = client.chats.create({ model: `${simulated[to]}/${models[to]}` });
    play({ text: said });
    for (const message of [prompt, "And tomorrow?"]) {
      let text = "";
      for await (const chunk of await chat.sendMessageStream({ message })) text += chunk.text ?? "";
      assert.equal(text, said);
    }
    assert.ok(String(gate.simulator.requests.at(-1)?.body).includes(JSON.stringify(said)));
  });
}

test("the AI SDK, which refers to answers by the ids that OpenAI keeps them under, is understood", async () => {
  const messages = await answered({});
  const second = await generateText({ model: openaiAt(way.key), messages, maxRetries: 0 });
  assert.equal(second.text, said);
  assert.ok(String(gate.simulator.requests.at(-1)?.body).includes(JSON.stringify(said)), "the answer went back");
});

test("an answer of another key's cannot be referred to, nor one that was not to be kept", async () => {
  const { key } = await gate.createKey();
  const messages = await answered({});
  await assert.rejects(generateText({ model: openaiAt(key), messages, maxRetries: 0 }), /not kept here any more/);
  const body = { model: `${simulated["anthropic-messages"]}/test-model`, input: "hello", store: false };
  const reply = await gate.post("/v1/responses", body);
  const { output } = reply.json() as { output: { id: string }[] };
  const input = [
    { type: "item_reference", id: output.at(-1)?.id },
    { role: "user", content: "and now?" },
  ];
  const again = await gate.post("/v1/responses", { ...body, input });
  assert.equal(again.status, 400);
  assert.match(again.body.toString(), /not kept here any more; send the item itself/);
});

const openaiAt = (key: string) =>
  createOpenAI({ baseURL: `${way.url}/v1`, apiKey: key })(`${simulated["anthropic-messages"]}/test-model`);

/** A first answer, and the messages of the next question. */
async function answered(options: Pick<Parameters<typeof generateText>[0], "providerOptions">) {
  const [asked, again] = [prompt, "And tomorrow?"].map((content) => ({ role: "user" as const, content }));
  assert.ok(asked && again);
  play({ text: said });
  const first = await generateText({ model: openaiAt(way.key), messages: [asked], maxRetries: 0, ...options });
  return [asked, ...first.responseMessages, again];
}

function defined(counts: object): object {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined));
}
