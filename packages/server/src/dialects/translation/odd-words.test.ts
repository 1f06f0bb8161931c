import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { dialectIds, pairs, translated } from "./test/provider.ts";

/*
 * Words that every object of JavaScript knows, in all the places in which a dialect has words of its own. They are like any word
 * that nobody knows: what reads a table by them must not find what is in every table.
 */
const words = ["constructor", "__proto__", "toString", "hasOwnProperty"];

const said = (content: unknown): JsonObject => ({ messages: [{ role: "user", content }] });

const requests: Readonly<Record<DialectId, (word: string) => readonly JsonObject[]>> = {
  "anthropic-messages": (word) => [
    { tools: [{ type: word, name: word }] },
    {
      tools: [
        { name: word, input_schema: { type: "object", properties: { [word]: { type: word } }, required: [word] } },
      ],
    },
    { output_config: { effort: word }, service_tier: word },
    said([{ type: "image", source: { type: "base64", media_type: word, data: "AAAA" } }]),
    said([{ type: "document", source: { type: "base64", media_type: word, data: "AAAA" } }]),
    said([{ type: "image", source: { type: "url", url: `https://a.example/b.${word}` } }]),
    said([{ type: "document", source: { type: "url", url: `https://a.example/b.${word}` } }]),
  ],
  gemini: (word) => [
    { toolConfig: { functionCallingConfig: { mode: word } } },
    { tools: [{ functionDeclarations: [{ name: word, parameters: { type: word, [word]: 1 } }] }] },
    { generationConfig: { thinkingConfig: { thinkingLevel: word }, responseMimeType: word } },
    { contents: [{ role: "user", parts: [{ inlineData: { mimeType: word, data: "AAAA" } }] }] },
    { contents: [{ role: "user", parts: [{ fileData: { mimeType: word, fileUri: "https://a.example/b" } }] }] },
  ],
  ollama: (word) => [
    { format: word },
    { think: word },
    { options: { [word]: 1 } },
    { tools: [{ type: "function", function: { name: word, parameters: { type: word } } }] },
  ],
  "openai-chat": (word) => [
    { tool_choice: word },
    { response_format: { type: word } },
    { reasoning_effort: word, verbosity: word, service_tier: word },
    said([{ type: "image_url", image_url: { url: `data:${word};base64,AAAA`, detail: word } }]),
    said([{ type: "image_url", image_url: { url: `https://a.example/b.${word}` } }]),
    said([{ type: "input_audio", input_audio: { format: word, data: "AAAA" } }]),
    said([{ type: "input_audio", input_audio: { data: `data:${word};base64,AAAA` } }]),
    said([{ type: "file", file: { filename: `a.${word}`, file_data: "AAAA" } }]),
    said([{ type: "file", file: { filename: `a.${word}`, file_data: `data:${word};base64,AAAA` } }]),
  ],
  "openai-responses": (word) => [
    { tool_choice: { type: word } },
    { tools: [{ type: word }] },
    { text: { format: { type: word }, verbosity: word } },
    { reasoning: { effort: word, summary: word } },
    { input: [{ role: "user", content: [{ type: "input_image", image_url: `data:${word};base64,AAAA` }] }] },
    { input: [{ role: "user", content: [{ type: "input_file", filename: `a.${word}`, file_data: "AAAA" }] }] },
  ],
};

const smallest: Readonly<Record<DialectId, JsonObject>> = {
  "anthropic-messages": { max_tokens: 9, ...said("a") },
  gemini: { contents: [{ role: "user", parts: [{ text: "a" }] }] },
  ollama: said("a"),
  "openai-chat": said("a"),
  "openai-responses": { input: "a" },
};

for (const { from, to } of pairs)
  test(`a word of every object in a request of ${from} is none that ${to} is told, and no fault of ours`, () => {
    for (const body of words.flatMap((word) => requests[from](word))) {
      try {
        const sent = Buffer.from(translated({ from, to, body: { model: "m", ...smallest[from], ...body } }).body);
        assert.doesNotMatch(sent.toString(), /native code/, JSON.stringify(body));
      } catch (thrown) {
        assert.ok(thrown instanceof AppError && thrown.status === 400, `${JSON.stringify(body)}: ${String(thrown)}`);
      }
    }
  });

describe("an error with a word of every object", () => {
  for (const id of dialectIds)
    test(`is one that nobody knows, on a provider of ${id}`, () => {
      for (const word of words)
        for (const status of [200, 400, 429, 500]) {
          const body = { error: { message: "x", type: word, code: word, status: word, details: [{ reason: word }] } };
          const plain = codecById(id).decodeFailure(status, { error: { message: "x" } });
          assert.deepEqual(codecById(id).decodeFailure(status, body), plain);
        }
    });
});
