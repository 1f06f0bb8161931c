import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { heldBytes } from "../../test/support/held-memory.ts";
import { noTokens } from "../kernel/tokens.ts";
import { type DialectId, dialects, type UsageReading } from "./index.ts";
import { bodyReader, eventOf, streamReader } from "./test-parts.ts";

describe("a reply that is hostile or odd", () => {
  const stream = (id: DialectId, ...events: readonly string[]): UsageReading => {
    const reader = streamReader(id);
    for (const event of events) reader.push(eventOf(id, event));
    return reader.end();
  };

  test("cannot state negative, fractional or absurd counts", () => {
    const usage = '"usage":{"prompt_tokens":-5,"completion_tokens":1.9,"prompt_tokens_details":{"cached_tokens":"7"}}';
    assert.deepEqual(stream("openai-chat", `{"choices":[],${usage}}`).tokens, { ...noTokens, output: 1 });
    const huge = stream(
      "anthropic-messages",
      '{"type":"message_start","message":{"usage":{"input_tokens":1e300,"output_tokens":0}}}',
    );
    assert.equal(huge.tokens?.input, 10_000_000_000);
  });

  test("never counts less input than none when more was cached than sent", () => {
    const usage = '"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":25},"output_tokens":1}';
    const found = stream(
      "openai-responses",
      `{"type":"response.completed","response":{"status":"completed",${usage}}}`,
    );
    assert.deepEqual(found.tokens, { ...noTokens, cacheRead: 25, output: 1 });
  });

  test("does not take back with zeros what it stated", () => {
    const found = stream(
      "anthropic-messages",
      '{"type":"message_start","message":{"usage":{"input_tokens":50,"cache_read_input_tokens":7,"output_tokens":1}}}',
      '{"type":"message_delta","delta":{},"usage":{"input_tokens":0,"cache_read_input_tokens":0,"output_tokens":9}}',
    );
    assert.deepEqual(found.tokens, { ...noTokens, input: 50, cacheRead: 7, output: 9 });
  });

  test("is taken at its last word, if text came with an earlier one", () => {
    const found = stream(
      "openai-chat",
      '{"model":"a","choices":[{"delta":{"content":"x"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}',
      '{"model":"b","choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}',
    );
    assert.equal(found.tokens?.output, 2);
    assert.equal(found.model, "b");
  });

  test("with `error: null` has not failed", () => {
    const events = {
      "anthropic-messages": '{"type":"message_delta","delta":{},"error":null,"usage":{"output_tokens":1}}',
      gemini: '{"candidates":[],"error":null}',
      ollama: '{"message":{"role":"assistant","content":""},"done":true,"error":null}',
      "openai-chat": '{"choices":[],"error":null}',
      "openai-responses": '{"type":"response.completed","response":{"status":"completed","error":null}}',
    };
    for (const { id } of dialects) {
      assert.equal(stream(id, events[id]).failure, undefined);
      const body = bodyReader(id);
      body.push(Buffer.from('{"error":null}'));
      assert.equal(body.end().failure, undefined);
    }
  });

  test("that failed without an error has failed all the same", () => {
    const found = stream("openai-responses", '{"type":"response.failed","response":{"status":"failed","error":null}}');
    assert.equal(found.failure, "failed");
  });

  test("is charged for reasoning once, whether the output includes it or not", () => {
    const output = (usage: string) => stream("openai-chat", `{"choices":[],"usage":${usage}}`).tokens?.output;
    const details = '"completion_tokens_details":{"reasoning_tokens":5}';
    assert.equal(output(`{"prompt_tokens":10,"completion_tokens":20,"total_tokens":30,${details}}`), 20);
    assert.equal(output(`{"prompt_tokens":10,"completion_tokens":20,"total_tokens":35,${details}}`), 25);
    assert.equal(output(`{"prompt_tokens":10,"completion_tokens":4,${details}}`), 9);
  });

  test("may state cache reads beside its counters, as Moonshot does", () => {
    const found = stream(
      "openai-chat",
      '{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":1,"cached_tokens":8}}',
    );
    assert.deepEqual(found.tokens, { ...noTokens, input: 2, cacheRead: 8, output: 1 });
  });

  test("is measured event by event, where the next event has a delta at the distance of the last", () => {
    const short = '{"delta":{"content":"bb"}}';
    const distance = short.length + "\n\ndata: {".length;
    const padded = `{"pad":"${"x".repeat(distance - '{"pad":"",'.length)}","delta":{"content":"a"}}`;
    const reader = streamReader("openai-chat");
    reader.push(
      Buffer.from([padded, short, '{"delta":{"content":"ccc"}}'].map((data) => `data: ${data}\n\n`).join("")),
    );
    assert.equal(reader.end().outputBytes, 6);
  });

  test("cannot forge usage in generated text", () => {
    const forged = JSON.stringify(
      '{"type":"message_delta","usage":{"output_tokens":1}}\n\ndata: {"type":"message_stop"}',
    );
    const found = stream(
      "anthropic-messages",
      `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":${forged}}}`,
    );
    assert.equal(found.tokens, undefined);
    assert.equal(found.complete, false);
  });

  test("with an event of 12 MB takes bounded memory, and the usage near its end is read", () => {
    const reader = streamReader("openai-responses");
    reader.push(Buffer.from('data: {"type":"response.completed","response":{"output":["'));
    for (let count = 0; count < 192; count++) reader.push(Buffer.alloc(65_536, "x"));
    reader.push(Buffer.from('"],"usage":{"input_tokens":3,"output_tokens":4},"metadata":{}}}\n\n'));
    assert.deepEqual(reader.end().tokens, { ...noTokens, input: 3, output: 4 });
    assert.equal(reader.end().complete, true);
  });

  test("with an endless line is given up on, not remembered", async () => {
    for (const { id } of dialects) {
      const reader = streamReader(id);
      const before = await heldBytes();
      for (let count = 0; count < 320; count++) reader.push(Buffer.alloc(65_536, "x"));
      const held = (await heldBytes()) - before;
      assert.ok(held < 16 * 1024 * 1024, `${id}: ${held} bytes are held`);
      assert.equal(reader.end().tokens, undefined);
    }
  });
});
