import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, OutputFormat, Sampling } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { openapiOf } from "../canonical/tool-schema.ts";
import { present } from "../canonical/wire.ts";
import { encodeThinking } from "./encode-thinking.ts";

export interface EncodedConfig {
  readonly config: JsonObject;
  /** What must be said in words instead. */
  readonly instruction: readonly string[];
}

export function encodeConfig(
  { sampling, stop, maxOutputTokens, reasoning, output }: Conversation,
  traits: ModelTraits,
  hasTools: boolean,
  losses: Losses,
): EncodedConfig {
  const format = encodeOutput(output, traits, hasTools, losses);
  const config = present({
    ...encodeSampling(sampling, traits, losses),
    maxOutputTokens: limitOf(maxOutputTokens, traits, losses),
    stopSequences: stopsOf(stop, losses),
    thinkingConfig: encodeThinking(reasoning, maxOutputTokens, traits, losses),
    ...format.fields,
  });
  return { config, instruction: format.instruction };
}

const mostTemperature = 2;

function encodeSampling(sampling: Sampling, traits: ModelTraits, losses: Losses): JsonObject {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = sampling;
  if (!traits.sampling) {
    for (const name of Object.keys(present({ temperature, top_p: topP, top_k: topK })))
      losses.dropped(name, "the model takes none");
  }
  if (temperature !== undefined && temperature > mostTemperature && traits.sampling)
    losses.changed("temperature", `Gemini takes ${mostTemperature} at most`);
  const isWhole = seed === undefined || Number.isInteger(seed);
  if (!isWhole) losses.dropped("seed", "Gemini takes whole numbers only");
  return {
    ...(traits.sampling && {
      temperature: temperature === undefined ? undefined : Math.min(temperature, mostTemperature),
      topP,
      topK: topK === undefined ? undefined : Math.max(Math.trunc(topK), 1),
    }),
    seed: isWhole ? seed : undefined,
    presencePenalty,
    frequencyPenalty,
  };
}

function limitOf(
  asked: number | undefined,
  { maxOutputTokens: most }: ModelTraits,
  losses: Losses,
): number | undefined {
  if (asked === undefined || most === undefined || asked <= most)
    return asked === undefined ? undefined : Math.max(asked, 1);
  losses.hint("max_tokens", `the model answers with ${most} tokens at most`);
  return most;
}

const mostStops = 5;

function stopsOf(stop: readonly string[], losses: Losses): readonly string[] | undefined {
  if (stop.length > mostStops)
    losses.changed("stop", `Gemini takes ${mostStops} texts; the others do not end the answer`);
  return stop.length === 0 ? undefined : stop.slice(0, mostStops);
}

interface Format {
  readonly fields: JsonObject;
  readonly instruction: readonly string[];
}

/** Of the older generations none takes a form for its answer together with functions; what they refuse is told in words. */
function encodeOutput(
  output: OutputFormat | undefined,
  traits: ModelTraits,
  hasTools: boolean,
  losses: Losses,
): Format {
  if (output === undefined) return { fields: {}, instruction: [] };
  if (hasTools && traits.thinking !== "level") {
    losses.changed("response_format", "the model takes none beside tools; it is asked for it in words");
    return { fields: {}, instruction: [wordsFor(output)] };
  }
  const json = { responseMimeType: "application/json" };
  if (output.type === "json") return { fields: json, instruction: [] };
  if (!traits.schemaOutput) {
    losses.changed("response_format", "the model takes no schema for its answer; it is asked for it in words");
    return { fields: json, instruction: [wordsFor(output)] };
  }
  if (traits.toolSchema === "json-schema")
    return { fields: { ...json, responseJsonSchema: output.schema }, instruction: [] };
  const { schema, losses: lost } = openapiOf(output.schema, "response_format");
  losses.addAll(lost);
  return { fields: { ...json, responseSchema: schema }, instruction: [] };
}

function wordsFor(output: OutputFormat): string {
  const form = "Answer with a single JSON document and nothing else, not even a code fence.";
  return output.type === "json" ? form : `${form} It must follow this JSON schema:\n${JSON.stringify(output.schema)}`;
}
