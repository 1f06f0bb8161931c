import assert from "node:assert/strict";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { openGate } from "../support/gateway.ts";
import { assertRefused, lastRow } from "./ask.ts";

const gate = await openGate();
const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const model = "sim-chat/test-model";

function lastSent(): Readonly<Record<string, unknown>> {
  return JSON.parse(gate.simulator.requests.at(-1)?.body.toString() ?? "") as Readonly<Record<string, unknown>>;
}

describe("embeddings", () => {
  test("come in base64 as the SDK asks by itself, and as numbers if it is told to: the same vectors (B61)", async () => {
    const input = ["The gate stands open.", "为什么?"];
    const packed = await openai.embeddings.create({ model, input });
    assert.equal(lastSent()["encoding_format"], "base64");
    assert.equal(lastSent()["model"], "test-model");
    const plain = await openai.embeddings.create({ model, input, encoding_format: "float" });
    assert.equal(lastSent()["encoding_format"], "float");
    assert.deepEqual(plain.data, packed.data);
    assert.deepEqual(
      plain.data.map(({ index, embedding }) => [index, embedding.length]),
      [
        [0, 256],
        [1, 256],
      ],
    );
    assert.deepEqual(plain.usage, { prompt_tokens: 9, total_tokens: 9 });
  });

  test("of lists of tokens and of a size that is asked for go through", async () => {
    const reply = await openai.embeddings.create({ model, input: [[1, 2, 3], [4]], dimensions: 3 });
    assert.deepEqual(
      reply.data.map(({ embedding }) => embedding.length),
      [3, 3],
    );
  });

  test("are put down with the tokens of the prompt", async () => {
    await openai.embeddings.create({ model, input: "0123456789ab" });
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.input_tokens, row.output_tokens, row.usage_source],
      ["/v1/embeddings", "ok", 3, 0, "reported"],
    );
  });

  test("go through byte for byte, whatever else is in the request", async () => {
    const body = `{ "input" : "a", "model" :"sim-chat/test-model", "user":"1e3" }`;
    const reply = await fetch(`${gate.url}/v1/embeddings`, {
      method: "POST",
      headers: { authorization: `Bearer ${gate.key}`, "content-type": "application/json" },
      body,
    });
    assert.equal(reply.status, 200);
    assert.equal(gate.simulator.requests.at(-1)?.body.toString(), body.replace(model, "test-model"));
  });

  test("that the provider refuses are refused in its own words", async () => {
    const error = await openai.embeddings.create({ model, input: "" }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "input");
  });

  test("need a model, and JSON", async () => {
    assertRefused("openai-chat", await gate.post("/v1/embeddings", { input: "a" }), 400, "missing_field");
    const form = { "content-type": "multipart/form-data; boundary=x" };
    const message = assertRefused(
      "openai-chat",
      await gate.post("/v1/embeddings", { model, input: "a" }, form),
      415,
      "unsupported_media_type",
    );
    assert.match(message, /must be application\/json, not multipart\/form-data/);
  });
});

describe("moderations", () => {
  test("are made, and use nothing", async () => {
    const reply = await openai.moderations.create({ model, input: ["a walk", "some violence"] });
    assert.deepEqual(
      reply.results.map(({ flagged }) => flagged),
      [false, true],
    );
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.outcome, row.input_tokens, row.output_tokens, row.usage_source],
      ["/v1/moderations", "ok", 0, 0, "reported"],
    );
  });
});
