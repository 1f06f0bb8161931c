import { readValue, type ScannedObject } from "../kernel/json-scan.ts";
import { field } from "./counter.ts";
import type { DialectId } from "./dialect.ts";

/** For each dialect the top-level keys of a request that say whether the model is to reason. */
export const thinkingKeys = [
  "thinking",
  "reasoning_effort",
  "reasoning",
  "enable_thinking",
  "generationConfig",
  "think",
] as const;

const asks: Readonly<Record<DialectId, (value: (key: (typeof thinkingKeys)[number]) => unknown) => boolean>> = {
  "anthropic-messages": (value) =>
    ["enabled", "adaptive", "between_tools"].some((type) => field(value("thinking"), "type") === type),
  "openai-chat": (value) => isEffort(value("reasoning_effort")) || isReasoning(value("reasoning")) || isEnabled(value),
  "openai-responses": (value) => isEffort(field(value("reasoning"), "effort")),
  gemini(value) {
    const config = field(value("generationConfig"), "thinkingConfig");
    const budget = field(config, "thinkingBudget");
    return typeof budget === "number" ? budget !== 0 : field(config, "thinkingLevel") !== undefined;
  },
  ollama: (value) => value("think") === true || isEffort(value("think")),
};

/** As OpenRouter has it. */
function isReasoning(value: unknown): boolean {
  const budget = field(value, "max_tokens");
  const isBudget = typeof budget === "number" && budget > 0;
  return isEffort(field(value, "effort")) || isBudget || field(value, "enabled") === true;
}

/** As vendors of models have it that can be switched. */
function isEnabled(value: (key: (typeof thinkingKeys)[number]) => unknown): boolean {
  return value("enable_thinking") === true || field(value("thinking"), "type") === "enabled";
}

function isEffort(value: unknown): boolean {
  return typeof value === "string" && value !== "none" && value !== "";
}

/** Whether a request wants the model to reason, as far as it says so itself. */
export function asksForThinking(dialect: DialectId, body: Buffer, fields: ScannedObject): boolean {
  return asks[dialect]((key) => readValue(body, fields.get(key)));
}
