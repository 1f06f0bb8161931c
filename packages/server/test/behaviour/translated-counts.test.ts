import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, type Reply } from "../support/gateway.ts";
import { minimal, modelFor, type DialectId } from "./ask.ts";

/* How many tokens a request would have, asked of providers of other dialects. */

const gate = await openGate();
beforeEach(() => {
  gate.simulator.clear();
  gate.simulator.play([]);
});

const text = "word ".repeat(200);

interface Asker {
  ask(model: string): Promise<Reply>;
  tokens(body: unknown): unknown;
}
type Count = Readonly<Record<string, unknown>>;

const askers: Readonly<Partial<Record<DialectId, Asker>>> = {
  "anthropic-messages": {
    ask: (model) =>
      gate.post(
        "/v1/messages/count_tokens",
        { model, messages: [{ role: "user", content: text }] },
        minimal["anthropic-messages"].headers,
      ),
    tokens: (body) => (body as Count)["input_tokens"],
  },
  gemini: {
    ask: (model) =>
      gate.post(`/v1beta/models/${model}:countTokens`, { contents: [{ role: "user", parts: [{ text }] }] }),
    tokens: (body) => (body as Count)["totalTokens"],
  },
  "openai-responses": {
    ask: (model) => gate.post("/v1/responses/input_tokens", { model, input: text }),
    tokens: (body) => (body as Count)["input_tokens"],
  },
};
const counting = Object.keys(askers) as (keyof typeof askers)[];

for (const [from, { ask, tokens }] of Object.entries(askers))
  for (const to of counting.filter((each) => each !== from))
    test(`a client of ${from} is told what a provider of ${to} counted, and nobody is charged`, async () => {
      const reply = await ask(modelFor(to));
      assert.equal(reply.status, 200, reply.body.toString());
      assert.equal(reply.headers["x-portcullis-usage-source"], undefined);
      const found = Number(tokens(reply.json()));
      assert.ok(found > 100 && found < 500, String(found));
      assert.equal(gate.simulator.requests.length, 1);
      const params = { id: String(reply.headers["x-request-id"]) };
      await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } }); // waits for what is not settled yet
      const row = await gate.admin.call(endpoints.requests.get, { params });
      assert.partialDeepStrictEqual(row, { outcome: "ok", input_tokens: 0, output_tokens: 0, cost_micros: 0 });
    });
