import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { openGate } from "../support/gateway.ts";
import { ask, assertRefused, lastRow, modelFor } from "./ask.ts";

const gate = await openGate();
const model = modelFor("openai-responses");

test("OpenAI's client counts the tokens of a Responses request, which uses none", async () => {
  const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
  const short = await openai.responses.inputTokens.count({ model, input: "hello" });
  const long = await openai.responses.inputTokens.count({ model, input: "hello ".repeat(500) });
  assert.equal(short.object, "response.input_tokens");
  assert.ok(short.input_tokens > 0 && long.input_tokens > short.input_tokens + 400);
  const row = await lastRow(gate);
  assert.deepEqual([row.route, row.input_tokens, row.cost_micros], ["/v1/responses/input_tokens", 0, 0]);
  assert.equal(row.status, 200);
});

test("what the counter refuses is refused in the dialect's own words", async () => {
  const reply = await gate.post("/v1/responses/input_tokens", { model, input: "hello", temperature: 1 });
  assert.equal(reply.status, 400);
  assert.match(reply.body.toString(), /Unknown parameter: 'temperature'/);
  const unknown = await gate.post("/v1/responses/input_tokens", { model: "nobody-has-this", input: "hello" });
  assertRefused("openai-responses", unknown, 404, "model_not_found");
});

test("counting and answering stand beside each other", async () => {
  const counted = await gate.post("/v1/responses/input_tokens", { model, input: "hello" });
  const { usage } = (await ask(gate, "openai-responses")).json() as {
    readonly usage: { readonly input_tokens: number };
  };
  assert.ok(usage.input_tokens > 0);
  assert.ok((counted.json() as { readonly input_tokens: number }).input_tokens > 0);
});
