import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { JsonObject, Reasoning } from "../canonical/conversation.ts";
import { askedEffort, budgetOf, noteNoReasoning, takenEffort } from "../canonical/effort.ts";
import type { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";

/** `thinkingConfig`; undefined where the model is left to itself. */
export function encodeThinking(
  reasoning: Reasoning | undefined,
  maxOutputTokens: number | undefined,
  traits: ModelTraits,
  losses: Losses,
): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  if (traits.thinking === "none") {
    noteNoReasoning(reasoning, losses);
    return undefined;
  }
  const how =
    traits.thinking === "budget"
      ? budgetFor(reasoning, maxOutputTokens, traits, losses)
      : levelFor(reasoning, traits, losses);
  // Without thoughts, Google refuses to be asked to show them.
  const includeThoughts = reasoning.shown && how["thinkingBudget"] !== 0 ? true : undefined;
  const config = present({ ...how, includeThoughts });
  return Object.keys(config).length > 0 ? config : undefined;
}

/** What all models that take a number take. */
const budgets = { least: 512, most: 24_576 } as const;

/** Thoughts count as output: where the limit leaves no room for an answer behind them, they get half of it. */
function budgetFor(
  reasoning: Reasoning,
  maxOutputTokens: number | undefined,
  traits: ModelTraits,
  losses: Losses,
): JsonObject {
  const effort = askedEffort(reasoning);
  if (effort === undefined) return {};
  if (effort === "none" && traits.canStopThinking) return { thinkingBudget: 0 };
  if (effort === "none") losses.changed("reasoning", "the model always reasons; it is asked for as little as it can");
  const asked = reasoning.budgetTokens ?? budgetOf(effort);
  const budget = Math.min(Math.max(asked, budgets.least), budgets.most);
  if (reasoning.budgetTokens !== undefined && budget !== asked)
    losses.changed("reasoning", `the model takes budgets from ${budgets.least} to ${budgets.most}`);
  if (maxOutputTokens === undefined || budget < maxOutputTokens) return { thinkingBudget: budget };
  losses.changed("reasoning", "there is less room for it than was asked for");
  return { thinkingBudget: Math.max(Math.floor(maxOutputTokens / 2), budgets.least) };
}

function levelFor(reasoning: Reasoning, traits: ModelTraits, losses: Losses): JsonObject {
  const asked = askedEffort(reasoning);
  if (asked === undefined) return {};
  const taken = takenEffort(asked, traits);
  if (taken !== asked) {
    const instead = taken === undefined ? "the model decides" : `it is asked for \`${taken}\``;
    losses.changed("reasoning", `the model has no effort \`${asked}\`; ${instead}`);
  } else if (reasoning.budgetTokens !== undefined)
    losses.changed("reasoning", "the model takes an effort, not a number of tokens");
  return taken === undefined || taken === "none" ? {} : { thinkingLevel: taken.toUpperCase() };
}
