import { createHash } from "node:crypto";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { ResponsesExtra, ResponsesRules } from "../request-rules.ts";

/** What OpenAI takes and few others of the dialect do; some refuse a request for it. */
export function encodeExtras(
  { user, cacheKey, speed }: Conversation,
  traits: ModelTraits,
  rules: ResponsesRules,
  losses: Losses,
): JsonObject {
  const hint = (name: ResponsesExtra, place: string, value: string | undefined): string | undefined => {
    if (value === undefined || rules.takes.includes(name)) return value;
    losses.hint(place, "the provider is not known to take one");
    return undefined;
  };
  const thinks = traits.thinking !== "none" && rules.takes.includes("encrypted_reasoning");
  return {
    safety_identifier: hint("safety_identifier", "user", shortened(user)),
    prompt_cache_key: hint("prompt_cache_key", "prompt_cache_key", shortened(cacheKey)),
    service_tier: hint("service_tier", "service_tier", speed),
    include: thinks ? ["reasoning.encrypted_content"] : undefined,
  };
}

export function verbosityOf(
  { verbosity }: Conversation,
  traits: ModelTraits,
  { takes }: ResponsesRules,
  losses: Losses,
): Conversation["verbosity"] | undefined {
  const isTaken = traits.verbosity && takes.includes("verbosity");
  const isUsual = verbosity === undefined || verbosity === "medium";
  if (!isTaken && !isUsual) losses.dropped("verbosity", `the ${traits.verbosity ? "provider" : "model"} takes none`);
  return isTaken ? verbosity : undefined;
}

/** Names of users and caches are limited in length; what is longer is told apart by its digest. */
const mostNameLength = 64;

function shortened(name: string | undefined): string | undefined {
  if (name === undefined || name === "" || name.length <= mostNameLength) return name === "" ? undefined : name;
  return createHash("sha256").update(name).digest("hex");
}
