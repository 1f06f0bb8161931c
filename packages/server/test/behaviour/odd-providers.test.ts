import assert from "node:assert/strict";
import { after, test } from "node:test";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";

/* What each provider takes is a table beside the providers; here, that it is followed on the way. */

const vendor = createSimulator({ apiKeys: [] });
const { url } = await vendor.listen();
after(() => vendor.close());
const gate = await openGate({
  config: `providers:
  mistral: { base_url: "${url}", allow_private: true }
  zai: { base_url: "${url}", allow_private: true }
`,
});

/** What a provider is sent for this, asked in Gemini's dialect, which it does not speak. */
async function sent(model: string, generationConfig: object): Promise<Readonly<Record<string, unknown>>> {
  vendor.clear();
  const body = { contents: [{ role: "user", parts: [{ text: "hello" }] }], generationConfig };
  await gate.post(`/v1beta/models/${model}:generateContent`, body);
  const [request] = vendor.requests;
  assert.ok(request);
  return JSON.parse(request.body.toString()) as Readonly<Record<string, unknown>>;
}

test("Mistral gets a seed by its own name for it", async () => {
  const { seed, random_seed, max_tokens } = await sent("mistral/codestral-latest", { seed: 7, maxOutputTokens: 50 });
  assert.deepEqual([seed, random_seed, max_tokens], [undefined, 7, 50]);
});

test("a GLM model is told not to reason as Z.AI wants to hear it", async () => {
  const quiet = { thinkingConfig: { thinkingBudget: 0 }, stopSequences: ["a", "b"], topK: 5 };
  const { thinking, stop, top_k } = await sent("zai/glm-4.7", quiet);
  assert.deepEqual([thinking, stop, top_k], [{ type: "disabled" }, ["a"], undefined]);
});
