import { createHash } from "node:crypto";
import type { AssistantPart, Conversation, JsonObject, UserPart } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { portableName } from "../canonical/tool-names.ts";
import { present } from "../canonical/wire.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { ChatRules } from "../request-rules.ts";
import { isUsual } from "./follow-rules.ts";
import { chatTools } from "./tool-rules.ts";

export function encodeSampling({ sampling }: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = sampling;
  const chosen = {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
  };
  if (!traits.sampling) for (const [name, value] of Object.entries(chosen)) dropKnob(name, value, losses);
  return { ...(traits.sampling && chosen), ...present({ seed }) };
}

function dropKnob(name: string, value: number, losses: Losses): void {
  if (!isUsual(name, value)) losses.dropped(name, "the model takes none");
}

export function encodeStop({ stop }: Conversation, { mostStops }: ChatRules, losses: Losses): JsonObject {
  if (stop.length > mostStops) {
    if (mostStops === 0) losses.dropped("stop", "the provider takes no texts that end an answer");
    else losses.changed("stop", `the provider takes ${mostStops}; the others do not end the answer`);
  }
  return stop.length > 0 && mostStops > 0 ? { stop: stop.slice(0, mostStops) } : {};
}

/** A limit above the model's own is refused by most; the answer is the same under its own. */
export function encodeLimit({ maxOutputTokens }: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  if (maxOutputTokens === undefined) return {};
  const most = traits.maxOutputTokens ?? maxOutputTokens;
  if (maxOutputTokens > most) losses.hint("max_tokens", `the model gives ${most} at most`);
  return { [traits.maxTokensField]: Math.min(maxOutputTokens, most) };
}

/** `instruction` is what the model must be told besides. */
export function encodeOutput(
  { output, system, turns }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): { readonly fields: JsonObject; readonly instruction?: string } {
  if (output === undefined) return { fields: {} };
  if (output.type === "json") {
    const isNamed = [...system, ...turns.flatMap<Part>((turn) => turn.parts)].some(namesJson);
    return { fields: { response_format: { type: "json_object" } }, ...(!isNamed && { instruction: anyJson }) };
  }
  const { schema, strict, description } = output;
  if (traits.schemaOutput) {
    const json_schema = { name: portableName(output.name, chatTools), schema, ...present({ strict, description }) };
    return { fields: { response_format: { type: "json_schema", json_schema } } };
  }
  losses.changed("response_format", "the model takes no schema; it is told it, and bound to JSON only");
  const instruction = `${anyJson} It must follow this JSON schema:\n${JSON.stringify(schema)}`;
  return { fields: { response_format: { type: "json_object" } }, instruction };
}

/** Providers refuse to be asked for JSON where no message names it. */
const anyJson = "Answer with one JSON document and nothing else.";

type Part = UserPart | AssistantPart;

function namesJson(part: Part): boolean {
  return part.type === "text" && /json/i.test(part.text);
}

/** Fields that OpenAI has of its own. Names of users and caches that are longer than what is taken become their digests. */
export function encodeExtras(
  { user, cacheKey, verbosity, speed }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): JsonObject {
  if (verbosity !== undefined && !traits.verbosity && !isUsual("verbosity", verbosity)) {
    losses.dropped("verbosity", "the model takes none");
  }
  return present({
    user: user && labelOf(user),
    prompt_cache_key: cacheKey && labelOf(cacheKey),
    verbosity: traits.verbosity ? verbosity : undefined,
    service_tier: speed,
  });
}

const mostLabelLength = 64;

function labelOf(text: string): string {
  return text.length <= mostLabelLength ? text : createHash("sha256").update(text).digest("hex");
}
