import { efforts, type Effort, type ModelTraits } from "../../kernel/model-traits.ts";
import type { Reasoning } from "./conversation.ts";
import type { Losses } from "./loss.ts";

/** Tokens of reasoning that an effort stands for, where a model takes a number. The middle of what other gateways use. */
const budgets: Readonly<Record<Effort, number>> = {
  none: 0,
  minimal: 1_024,
  low: 2_048,
  medium: 8_192,
  high: 16_384,
  xhigh: 32_000,
  max: 64_000,
};

export function budgetOf(effort: Effort): number {
  return budgets[effort];
}

/** The effort whose budget is the least that is enough; a budget of 0 is no reasoning. */
export function effortOf(budgetTokens: number): Effort {
  return efforts.find((effort) => budgets[effort] >= budgetTokens) ?? "max";
}

/** What is asked for, as one word: the caller's, or that of its budget; undefined where it is left to the model. */
export function askedEffort(reasoning: Reasoning | undefined): Effort | undefined {
  if (reasoning === undefined) return undefined;
  return reasoning.effort ?? (reasoning.budgetTokens === undefined ? undefined : effortOf(reasoning.budgetTokens));
}

/**
 * The nearest effort below that the model takes, else its lowest; undefined if it takes none. Reasoning that is asked for is not
 * turned off because the model's least is more.
 */
export function takenEffort(asked: Effort, { efforts: taken }: Pick<ModelTraits, "efforts">): Effort | undefined {
  const most = efforts.indexOf(asked);
  const able = asked === "none" ? taken : taken.filter((effort) => effort !== "none");
  return able.findLast((effort) => efforts.indexOf(effort) <= most) ?? able[0];
}

/** Of a model that does not reason. Nothing is lost where it was only to be shown, or left to the model. */
export function noteNoReasoning(reasoning: Reasoning | undefined, losses: Losses): void {
  const asked = askedEffort(reasoning);
  const why = "the model is not known to reason";
  if (reasoning === undefined || asked === "none") return;
  if (asked === undefined) losses.hint("reasoning", why);
  else losses.dropped("reasoning", why);
}
