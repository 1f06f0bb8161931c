import { endpoints } from "@portcullis/contract";
import { openGate, simulated, type Gate } from "../packages/server/test/support/gateway.ts";

/**
 * A gateway with a simulated provider behind it that serves models the clients know, by the names they know them by: what
 * a client sends depends on the model. A token costs one micro-dollar.
 */
export async function openClientGate(): Promise<Gate> {
  const gate = await openGate();
  const million = 1_000_000;
  const price = { input: million, output: million, cache_read: million, cache_write: million };
  for (const [provider, names] of [
    [simulated["anthropic-messages"], ["claude-sonnet-5"]],
    [simulated.gemini, ["gemini-3-pro"]],
    [simulated["openai-chat"], ["qwen3-coder"]],
    [simulated["openai-responses"], ["gpt-5.5", "gpt-6-sol"]],
  ] as const) {
    for (const name of names) {
      const input = { name, display_name: `Simulated ${name}`, price_micros_per_mtok: price };
      await gate.admin.call(endpoints.models.create, { params: { id: provider }, input });
    }
  }
  return gate;
}

/** What the gateway has written down of the requests made with a key, in their order. */
export async function rowsOf(gate: Gate, keyId: string) {
  const { data } = await gate.admin.call(endpoints.requests.list, { query: { key: keyId, limit: 100 } });
  return data.toReversed();
}
