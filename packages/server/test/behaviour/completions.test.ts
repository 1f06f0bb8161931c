import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

const gate = await openGate();
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const asked = { model: "sim-chat/test-model", prompt: "Once upon a time" };

describe("a completion without a chat", () => {
  test("is the same whole and streamed, and put down with what it used", async () => {
    const whole = await openai.completions.create(asked);
    const wholeRow = await lastRow(gate);
    let text = "";
    for await (const chunk of await openai.completions.create({ ...asked, stream: true }))
      text += chunk.choices[0]?.text;
    const streamedRow = await lastRow(gate);
    assert.equal(text, whole.choices[0]?.text);
    assert.equal(wholeRow.output_tokens, whole.usage?.completion_tokens);
    assert.deepEqual(
      [streamedRow.route, streamedRow.output_tokens, streamedRow.usage_source, streamedRow.stream],
      ["/v1/completions", wholeRow.output_tokens, "reported", true],
    );
  });

  test("has its usage chunk only if that was asked for", async () => {
    const usages = async (options: object): Promise<number> => {
      let count = 0;
      const chunks = await openai.completions.create({ ...asked, ...options, stream: true });
      for await (const chunk of chunks) if (chunk.usage) count++;
      return count;
    };
    assert.equal(await usages({}), 0);
    assert.match(gate.simulator.requests.at(-1)?.body.toString() ?? "", /"include_usage":true/);
    assert.equal(await usages({ stream_options: { include_usage: true } }), 1);
  });

  test("that breaks off is charged what came, and never looks whole", async () => {
    const headers = scriptHeaders({
      text: "x".repeat(400),
      deltas: 10,
      writes: "event",
      drop: "reset",
      dropAtEvent: 5,
    });
    const chunks = await openai.completions.create({ ...asked, stream: true }, { headers });
    await assert.rejects(async () => {
      for await (const chunk of chunks) assert.ok(chunk);
    });
    const row = await lastRow(gate);
    assert.deepEqual([row.outcome, row.output_tokens, row.usage_source], ["broken", 50, "estimated"]);
  });
});
