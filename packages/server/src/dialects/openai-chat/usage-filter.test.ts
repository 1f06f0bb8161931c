import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { StreamFilter } from "../dialect.ts";
import { createUsageChunkFilter } from "./usage-filter.ts";

const folder = join(import.meta.dirname, "../../../test/fixtures/openai-chat");
const usageChunk = '"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}';

function filtered(chunks: readonly Buffer[]): string {
  const filter: StreamFilter = createUsageChunkFilter();
  const passed = chunks.map((chunk) => filter.push(chunk) ?? Buffer.alloc(0));
  return Buffer.concat([...passed, filter.end() ?? Buffer.alloc(0)]).toString("latin1");
}

function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places, bytes.length].toSorted((one, other) => one - other);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** The stream without the events that state a usage and have no choices: what the filter must give. */
function expected(text: string): string {
  const events = text.split(/(?<=\n\n|\r\r|\r\n\r\n)/);
  return events.filter((event) => !(/"choices": ?\[\]/.test(event) && /"prompt_tokens"/.test(event))).join("");
}

describe("the usage chunk", () => {
  for (const name of globSync("*.sse", { cwd: folder })) {
    const text = readFileSync(join(folder, name), "latin1");
    const lineEnds: Readonly<Record<string, string>> = { lf: "\n", crlf: "\r\n", cr: "\r" };
    for (const [ends, lineEnd] of Object.entries(lineEnds)) {
      test(`of ${name} with ${ends} is taken out and nothing else, wherever the stream is split`, () => {
        const whole = text.replaceAll("\n", lineEnd);
        const bytes = Buffer.from(whole, "latin1");
        const rest = expected(whole);
        for (let place = 0; place <= bytes.length; place++)
          assert.equal(filtered(split(bytes, [place])), rest, `split at ${place}`);
        assert.equal(filtered(split(bytes, [...bytes.keys()])), rest);
        const places = fc.array(fc.nat(bytes.length), { maxLength: 30 });
        fc.assert(
          fc.property(places, (cuts) => assert.equal(filtered(split(bytes, cuts)), rest)),
          { numRuns: 100 },
        );
      });
    }
  }

  test("is taken out with its comment, name and id, and when the stream ends without a blank line", () => {
    assert.equal(
      filtered([Buffer.from(`data: {"a":1}\n\nid: 7\n: x\nevent: y\ndata: {${usageChunk}}\n\ndata: [DONE]\n\n`)]),
      'data: {"a":1}\n\ndata: [DONE]\n\n',
    );
    assert.equal(filtered([Buffer.from(`data: {"a":1}\n\ndata: {${usageChunk}}`)]), 'data: {"a":1}\n\n');
    assert.equal(filtered([Buffer.from(`data: {"a":1}\n\ndata: {"choi`)]), 'data: {"a":1}\n\ndata: {"choi');
  });

  test("stays if it says more than usage, or is none", () => {
    for (const data of [
      '{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3}}',
      '{"choices":[],"prompt_filter_results":[]}',
      '{"choices":[],"usage":null}',
      '{"usage":{"prompt_tokens":3}}',
      `{"choices":[{"index":0,"delta":{"content":${JSON.stringify(`{${usageChunk}}`)}}}]}`,
      `{${usageChunk}`,
      `[{${usageChunk}}]`,
    ]) {
      const stream = `data: ${data}\n\n`;
      assert.equal(filtered([Buffer.from(stream)]), Buffer.from(stream).toString("latin1"), data);
    }
    const twoLines = `data: {}\ndata: {${usageChunk}}\n\n`;
    assert.equal(filtered([Buffer.from(twoLines)]), twoLines);
    const behindText = ['data: {"choices":[{"delta":{"content":"a"}}]}', `\ndata: {${usageChunk}}\n\n`];
    assert.equal(filtered(behindText.map((part) => Buffer.from(part))), behindText.join(""));
  });
});

describe("what is held back", () => {
  test("is nothing of an event that carries text", () => {
    const filter = createUsageChunkFilter();
    const half = 'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Hel';
    assert.equal(filter.push(Buffer.from(half))?.toString(), half);
    assert.equal(filter.push(Buffer.from('lo"}}]}'))?.toString(), 'lo"}}]}');
    assert.equal(filter.push(Buffer.from("\n"))?.length, 0);
    assert.equal(filter.push(Buffer.from("\n: next"))?.toString(), "\n\n");
  });

  test("is a chunk as it came, if it ends with an event", () => {
    const filter = createUsageChunkFilter();
    const chunk = Buffer.from('data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n: ping\n\n');
    assert.equal(filter.push(chunk)?.buffer, chunk.buffer);
    assert.equal(filter.end()?.length, 0);
  });

  test("is bounded: an event too large for a usage chunk goes on", () => {
    const filter = createUsageChunkFilter();
    const part = Buffer.alloc(16 * 1024, "x");
    let passedBytes = 0;
    for (let count = 0; count < 64; count++) passedBytes += filter.push(part)?.length ?? 0;
    assert.equal(passedBytes, 64 * part.length);
    assert.equal(filter.push(Buffer.from(`\n\ndata: {${usageChunk}}\n\n`))?.toString(), "\n\n");
  });
});
