import type { House } from "./house.ts";

/** Listed only; a request may name any model. */
const models = [
  { house: "anthropic", id: "claude-sonnet-5", name: "Claude Sonnet 5", createdAt: "2026-03-01T00:00:00Z" },
  { house: "anthropic", id: "claude-haiku-4-5", name: "Claude Haiku 4.5", createdAt: "2025-10-01T00:00:00Z" },
  { house: "openai", id: "gpt-6", name: "GPT-6", createdAt: "2026-06-01T00:00:00Z" },
  { house: "openai", id: "gpt-5.5", name: "GPT-5.5", createdAt: "2026-04-01T00:00:00Z" },
] as const;

/** The body of `GET /v1/models`, as the house has it. */
export function modelList(house: House): string {
  const own = models.filter((model) => model.house === house);
  if (house === "openai") {
    const data = own.map(({ id, createdAt }) => ({
      id,
      object: "model",
      created: Date.parse(createdAt) / 1000,
      owned_by: "openai",
    }));
    return JSON.stringify({ object: "list", data });
  }
  const data = own.map(({ id, name, createdAt }) => ({
    type: "model",
    id,
    display_name: name,
    created_at: createdAt,
    deprecated_at: null,
    retires_at: null,
    lifecycle: "active",
    line: null,
    capabilities: null,
    max_input_tokens: 200_000,
    max_tokens: 64_000,
  }));
  return JSON.stringify({ data, has_more: false, first_id: own[0]?.id ?? null, last_id: own.at(-1)?.id ?? null });
}
