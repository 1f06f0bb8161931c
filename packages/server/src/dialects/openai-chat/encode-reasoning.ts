import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import { askedEffort, noteNoReasoning, takenEffort } from "../canonical/effort.ts";
import type { Losses } from "../canonical/loss.ts";
import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import type { ThinkingSwitch } from "../request-rules.ts";

/**
 * How much a model is to reason. The dialect has a word for it, the effort; providers whose models either reason or do not have
 * a switch, each its own. Never both are sent: they might contradict each other.
 */
export function encodeReasoning(
  { reasoning }: Conversation,
  traits: ModelTraits,
  thinkingSwitch: ThinkingSwitch,
  losses: Losses,
): JsonObject {
  const asked = askedEffort(reasoning);
  if (traits.thinking === "none") noteNoReasoning(reasoning, losses);
  if (asked === undefined) return {};
  if (asked === "none" && isSwitchedOff(traits, thinkingSwitch)) return switched(thinkingSwitch, false);
  if (traits.thinking === "effort") {
    const fields = encodeEffort(asked, traits, losses);
    if (reasoning?.effort === undefined)
      losses.changed("reasoning", "the model takes a word for it, not a number of tokens");
    return fields;
  }
  loseReasoning(asked, traits, losses);
  return traits.thinking === "switch" && asked !== "none" ? switched(thinkingSwitch, true) : {};
}

/** With a word, where the model knows one for it. */
function isSwitchedOff({ thinking, efforts, canStopThinking }: ModelTraits, thinkingSwitch: ThinkingSwitch): boolean {
  const hasSwitch = thinking === "switch" || (thinking === "effort" && !efforts.includes("none"));
  return hasSwitch && canStopThinking && thinkingSwitch !== "none";
}

function switched(thinkingSwitch: ThinkingSwitch, on: boolean): JsonObject {
  switch (thinkingSwitch) {
    case "none":
      return {};
    case "thinking":
      return { thinking: { type: on ? "enabled" : "disabled" } };
    case "enable_thinking":
      return { enable_thinking: on };
    case "reasoning":
      return { reasoning: { enabled: on } };
    case "chat_template": // Qwen's and GLM's templates know the first word, DeepSeek's and Kimi's the second; others are passed over
      return { chat_template_kwargs: { enable_thinking: on, thinking: on } };
    case "effort":
      return on ? {} : { reasoning_effort: "none" };
  }
}

function encodeEffort(asked: Effort, { efforts, canStopThinking }: ModelTraits, losses: Losses): JsonObject {
  const taken = takenEffort(asked, { efforts: efforts.filter((effort) => effort !== "none" || canStopThinking) });
  if (taken === undefined) {
    losses.dropped("reasoning", "it is not known how much the model can be asked for");
    return {};
  }
  if (taken !== asked) losses.changed("reasoning", `the model does not take ${asked}; ${taken} is asked for`);
  return { reasoning_effort: taken };
}

function loseReasoning(asked: Effort, { thinking }: ModelTraits, losses: Losses): void {
  if (thinking === "switch" && asked !== "none") losses.hint("reasoning", "the model decides how much it reasons");
  else if (thinking !== "none") losses.dropped("reasoning", "the provider cannot be told; the model decides");
}
