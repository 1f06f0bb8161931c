import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, Turn } from "../canonical/conversation.ts";
import { askedEffort, budgetOf, noteNoReasoning, takenEffort } from "../canonical/effort.ts";
import type { Losses } from "../canonical/loss.ts";
import { isStateOf } from "../canonical/state-seal.ts";
import type { TargetModel } from "../codec.ts";

/** How a model is asked to reason, and the limit of its answer, which includes the reasoning. */
export interface ThinkingChoice {
  readonly thinking?: JsonObject;
  readonly effort?: Effort;
  readonly maxTokens: number;
  readonly isOn: boolean;
}

/** What is asked for where neither the caller nor the catalog names a limit; every model in use takes it. */
const usualLimit = 8_192;
const leastBudget = 1_024;

export function thinkingFor(conversation: Conversation, target: TargetModel, losses: Losses): ThinkingChoice {
  const { traits } = target;
  const maxTokens = limitOf(conversation, traits, losses);
  const { reasoning } = conversation;
  const off = { maxTokens, isOn: false };
  if (reasoning === undefined) return off;
  const asked = askedEffort(reasoning);
  if (traits.thinking === "none") {
    noteNoReasoning(reasoning, losses);
    return off;
  }
  if (asked === "none" && traits.canStopThinking) return { ...off, thinking: { type: "disabled" } };
  if (asked === "none") losses.changed("reasoning", "the model always reasons; it is asked for as little as it can");
  if (traits.thinking === "budget" || traits.thinking === "switch") {
    return budgetFor(conversation, target, maxTokens, losses);
  }
  const thinking = { type: "adaptive", display: reasoning.shown ? "summarized" : "omitted" };
  const wanted = asked === "none" ? "minimal" : asked;
  return { thinking, ...effortFor(wanted, conversation, traits, losses), maxTokens, isOn: true };
}

/** Left to the model, it reasons as one without budgets does by itself. */
const usualEffort = "high";

function budgetFor(
  { reasoning, turns }: Conversation,
  target: TargetModel,
  maxTokens: number,
  losses: Losses,
): ThinkingChoice {
  if (!isResumable(turns, target)) {
    losses.changed("reasoning", "it is off for this request: what the calls before were reasoned with is not at hand");
    return { thinking: { type: "disabled" }, maxTokens, isOn: false };
  }
  const tokens = reasoning?.budgetTokens ?? budgetOf(askedEffort(reasoning) ?? usualEffort);
  return withBudget(Math.max(tokens, leastBudget), maxTokens, target.traits.maxOutputTokens, losses);
}

function limitOf({ maxOutputTokens }: Conversation, traits: ModelTraits, losses: Losses): number {
  const most = traits.maxOutputTokens;
  if (maxOutputTokens === undefined) return most ?? usualLimit;
  if (most === undefined || maxOutputTokens <= most) return Math.max(maxOutputTokens, 1);
  losses.hint("max_tokens", `the model answers with ${most} tokens at most`);
  return most;
}

function effortFor(
  asked: Effort | undefined,
  { reasoning }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): { readonly effort?: Effort } {
  if (asked === undefined) return {};
  const effort = takenEffort(asked, traits);
  if (reasoning?.budgetTokens !== undefined)
    losses.changed("reasoning", "the model takes an effort, not a number of tokens");
  if (effort !== asked) losses.changed("reasoning", `the model has no effort \`${asked}\``);
  return effort === undefined || effort === "none" ? {} : { effort };
}

/**
 * The budget must be less than the limit. The limit is raised by what is asked for the answer, as far as the model goes; if
 * that is not enough, the budget is lowered to half of it.
 */
function withBudget(budget: number, maxTokens: number, most: number | undefined, losses: Losses): ThinkingChoice {
  if (budget < maxTokens) return enabled(budget, maxTokens);
  const raised = Math.max(maxTokens, Math.min(budget + maxTokens, most ?? maxTokens));
  if (raised > maxTokens) losses.changed("max_tokens", "it is raised to have room for the reasoning");
  if (budget < raised) return enabled(Math.min(budget, Math.max(raised - maxTokens, leastBudget)), raised);
  const lowered = Math.max(Math.floor(raised / 2), leastBudget);
  losses.changed("reasoning", "there is less room for it than was asked for");
  return lowered < raised ? enabled(lowered, raised) : { maxTokens, isOn: false };
}

function enabled(budget: number, maxTokens: number): ThinkingChoice {
  return { thinking: { type: "enabled", budget_tokens: budget }, maxTokens, isOn: true };
}

/**
 * Whether the model may go on reasoning here: where results of calls are what it is to go on with, the turn that called must
 * begin with its own reasoning.
 */
function isResumable(turns: readonly Turn[], { provider }: TargetModel): boolean {
  const isNothing = (part: Turn["parts"][number]): boolean =>
    part.type === "thinking" && !isNative(part.state, provider);
  const said = turns.filter((turn) => turn.role !== "system" && !turn.parts.every(isNothing)); // nothing of such is sent
  const last = said.at(-1);
  if (last?.role !== "user" || last.parts[0]?.type !== "tool_result") return true;
  const caller = said.at(-2);
  if (caller?.role !== "assistant") return true;
  const first = caller.parts.find((part) => part.type !== "thinking" || isNative(part.state, provider));
  return first?.type === "thinking";
}

export function isNative(
  state: Parameters<typeof isStateOf>[0] | undefined,
  provider: string,
): state is Parameters<typeof isStateOf>[0] {
  return state !== undefined && state.data !== "" && isStateOf(state, "anthropic-messages", provider);
}
