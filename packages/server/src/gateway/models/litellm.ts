import type { Listed } from "./listed.ts";

/** `/model/info` as LiteLLM answers it; prices are dollars per token. */
export function litellmModels(listed: readonly Listed[]): object {
  return { data: listed.map(one) };
}

function one({ id, entry, isRoute }: Listed): object {
  const perToken = (micros: number | undefined): number | null => (micros === undefined ? null : micros / 1e12);
  return {
    model_name: id,
    litellm_params: { model: `${entry.provider}/${entry.model}` },
    model_info: {
      id: isRoute ? id : entry.id,
      db_model: entry.source === "custom",
      litellm_provider: entry.provider,
      max_tokens: entry.maxOutputTokens ?? null,
      max_input_tokens: entry.contextTokens ?? null,
      max_output_tokens: entry.maxOutputTokens ?? null,
      input_cost_per_token: perToken(entry.price?.input),
      output_cost_per_token: perToken(entry.price?.output),
      supports_function_calling: entry.catalog?.abilities.includes("tool_call") ?? null,
      supports_vision: entry.catalog?.input.includes("image") ?? null,
    },
  };
}
