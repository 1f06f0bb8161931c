import { type Effort, efforts } from "../../kernel/model-traits.ts";
import type { JsonObject, Reasoning } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { isObject, optionalCount, optionalObject } from "../canonical/wire.ts";

/** How the caller wants to see reasoning: as it is, as empty blocks that it sends back, or not at all. */
export type ThinkingDisplay = "shown" | "omitted" | "off";

export function displayOf(body: JsonObject): ThinkingDisplay {
  const thinking = isObject(body["thinking"]) ? body["thinking"] : {};
  if (!isAsked(thinking["type"])) return "off";
  return thinking["display"] === "omitted" ? "omitted" : "shown";
}

function isAsked(type: unknown): boolean {
  return type === "adaptive" || type === "enabled" || type === "between_tools";
}

/** `thinking` says whether, `output_config.effort` how hard; an effort alone leaves open whether. */
export function reasoningOf(body: JsonObject, losses: Losses): Reasoning | undefined {
  const thinking = optionalObject(body["thinking"], "thinking");
  const effort = effortOf(optionalObject(body["output_config"], "output_config")?.["effort"], losses);
  const type = thinking?.["type"];
  if (type === "disabled") {
    if (effort !== undefined) losses.hint("output_config.effort", "reasoning is switched off");
    return { effort: "none", shown: false };
  }
  const shown = displayOf(body) === "shown";
  if (thinking !== undefined && !isAsked(type)) losses.dropped("thinking", "its type is not known here");
  if (type === "between_tools") losses.changed("thinking", "others reason before their first call, too");
  if (type === "enabled") {
    const budgetTokens = optionalCount(thinking?.["budget_tokens"], "thinking.budget_tokens");
    // A number is more exact than a word.
    if (budgetTokens !== undefined) return { budgetTokens, shown };
  }
  if (effort !== undefined) return { effort, shown };
  return isAsked(type) ? { shown } : undefined;
}

function effortOf(value: unknown, losses: Losses): Effort | undefined {
  if (value === undefined || value === null) return undefined;
  const effort = efforts.find((each) => each === value);
  if (effort === undefined) losses.dropped("output_config.effort", "no such effort is known here");
  return effort;
}
