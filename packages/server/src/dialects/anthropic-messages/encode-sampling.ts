import type { Sampling } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";

interface SamplingFields {
  readonly temperature?: number;
  readonly top_p?: number;
  readonly top_k?: number;
}

/** The least `top_p` that is taken while a model reasons. */
const leastTopPThinking = 0.95;

/**
 * What stays of how tokens are picked. The default says nothing, so it is never a loss. Of `temperature` and `top_p` recent
 * models take but one: the temperature, which is what most callers mean.
 */
export function samplingFields(
  sampling: Sampling,
  accepted: boolean,
  isThinking: boolean,
  losses: Losses,
): SamplingFields {
  notKnown(sampling, losses);
  if (!accepted) return refused(sampling, losses);
  if (isThinking) return whileThinking(sampling, losses);
  const { temperature, topP, topK } = sampling;
  const fields = { ...(topK !== undefined && { top_k: topK }) };
  if (topP === undefined) {
    return temperature === undefined ? fields : { temperature: coolEnough(temperature, losses), ...fields };
  }
  if (temperature === undefined || temperature === 1) return { top_p: topP, ...fields };
  if (topP !== 1) losses.dropped("top_p", "the model takes it or a temperature");
  return { temperature: coolEnough(temperature, losses), ...fields };
}

function refused({ temperature, topP, topK }: Sampling, losses: Losses): SamplingFields {
  if (temperature !== undefined && temperature !== 1) losses.dropped("temperature", "the model takes none");
  if (topP !== undefined && topP !== 1) losses.dropped("top_p", "the model takes none");
  if (topK !== undefined) losses.dropped("top_k", "the model takes none");
  return {};
}

function coolEnough(temperature: number, losses: Losses): number {
  if (temperature > 1) losses.changed("temperature", "the model takes 1 at most");
  return Math.max(0, Math.min(1, temperature));
}

function whileThinking({ temperature, topP, topK }: Sampling, losses: Losses): SamplingFields {
  if (temperature !== undefined && temperature !== 1)
    losses.dropped("temperature", "it is fixed while the model reasons");
  if (topK !== undefined) losses.dropped("top_k", "the model takes none while it reasons");
  if (topP === undefined || topP >= leastTopPThinking) return topP === undefined ? {} : { top_p: topP };
  losses.dropped("top_p", "the model takes none so low while it reasons");
  return {};
}

function notKnown({ seed, presencePenalty, frequencyPenalty }: Sampling, losses: Losses): void {
  const why = "the provider has no such field";
  if (seed !== undefined) losses.dropped("seed", why);
  if (presencePenalty !== undefined && presencePenalty !== 0) losses.dropped("presence_penalty", why);
  if (frequencyPenalty !== undefined && frequencyPenalty !== 0) losses.dropped("frequency_penalty", why);
}

/** Texts of nothing but white space are refused. */
export function stopsOf(stop: readonly string[], losses: Losses): readonly string[] | undefined {
  const taken = stop.filter((text) => text.trim() !== "");
  if (taken.length < stop.length) losses.dropped("stop", "the provider takes none of white space only");
  return taken.length === 0 ? undefined : taken;
}
