import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noMedia } from "../kernel/tokens.ts";
import { type DialectId, dialects } from "./index.ts";
import { bodyReader, type Expected, fixture, idOf, read, reading, split } from "./test-parts.ts";

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
    gemini: {
      "reply.json": {
        tokens: { input: 1000, output: 75, cacheRead: 25, reasoning: 60, media: { ...noMedia, inputAudio: 100 } },
        model: "gemini-2.5-pro",
        stopReason: "STOP",
      },
      "embedding.json": { tokens: { input: 9 } },
      "error.json": { failure: "RESOURCE_EXHAUSTED" },
    },
    ollama: {
      "reply.json": { tokens: { input: 26, output: 11 }, model: "llama3.2:latest", stopReason: "stop" },
      "embed.json": { tokens: { input: 8 }, model: "nomic-embed-text:latest" },
      "embeddings.json": {},
      "error.json": { failure: "error" },
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
          assert.deepEqual(found, { ...reading(expected), announced: undefined, ...idOf(found) }, `split at ${place}`);
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

  test("of Ollama is whole only if it says that it is done, where it says so at all", () => {
    const complete = (text: string) => read(bodyReader("ollama"), [Buffer.from(text)]).complete;
    assert.equal(complete('{"message":{"role":"assistant","content":"Hi"},"done":false}'), false);
    assert.equal(complete('{"embedding":[0.5]}'), true);
  });

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
    assert.equal(body("gemini", { candidates: [{ content: { parts: [{ text: "four" }, { text: "five" }] } }] }), 8);
    assert.equal(body("ollama", { response: "four", thinking: "no", done: true, eval_count: 3 }), 6);
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
