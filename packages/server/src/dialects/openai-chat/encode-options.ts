import { createHash } from "node:crypto";
import type { AssistantPart, Conversation, JsonObject, UserPart } from "../canonical/conversation.ts";
import { askedEffort, takenEffort } from "../canonical/effort.ts";
import type { Losses } from "../canonical/loss.ts";
import { portableName } from "../canonical/tool-names.ts";
import { present } from "../canonical/wire.ts";
import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import { chatTools } from "./tool-rules.ts";

export function encodeSampling({ sampling, stop }: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = sampling;
  if (topK !== undefined) losses.dropped("top_k", "the provider takes none");
  if (stop.length > mostStops)
    losses.changed("stop", `the provider takes ${mostStops}; the others do not end the answer`);
  const chosen = {
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(presencePenalty !== undefined && { presence_penalty: presencePenalty }),
    ...(frequencyPenalty !== undefined && { frequency_penalty: frequencyPenalty }),
  };
  if (!traits.sampling) for (const [name, value] of Object.entries(chosen)) dropKnob(name, value, losses);
  return {
    ...(traits.sampling && chosen),
    ...present({ seed }),
    ...(stop.length > 0 && { stop: stop.slice(0, mostStops) }),
  };
}

const mostStops = 4;

/** What is so anyway is no loss: 1, and no penalty. */
function dropKnob(name: string, value: number, losses: Losses): void {
  const usual = name.endsWith("penalty") ? 0 : 1;
  if (value !== usual) losses.dropped(name, "the model takes none");
}

/** A limit above the model's own is refused by most; the answer is the same under its own. */
export function encodeLimit({ maxOutputTokens }: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  if (maxOutputTokens === undefined) return {};
  const most = traits.maxOutputTokens ?? maxOutputTokens;
  if (maxOutputTokens > most) losses.hint("max_tokens", `the model gives ${most} at most`);
  return { [traits.maxTokensField]: Math.min(maxOutputTokens, most) };
}

/** Of the ways to ask for reasoning, the dialect has one: a word. */
export function encodeReasoning({ reasoning }: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  const asked = askedEffort(reasoning);
  if (asked === undefined) return {};
  if (traits.thinking !== "effort") {
    loseReasoning(asked, traits, losses);
    return {};
  }
  const taken = takenEffort(asked, {
    efforts: traits.efforts.filter((effort) => effort !== "none" || traits.canStopThinking),
  });
  if (taken === undefined) losses.dropped("reasoning", "it is not known how much the model can be asked for");
  else if (taken !== asked) losses.changed("reasoning", `the model does not take ${asked}; ${taken} is asked for`);
  return present({ reasoning_effort: taken });
}

/** Each provider has a switch of its own; models that have one reason unless it is off. */
function loseReasoning(asked: Effort, { thinking }: ModelTraits, losses: Losses): void {
  if (thinking === "none" && asked !== "none") losses.hint("reasoning", "the model does not reason");
  else if (thinking === "switch" && asked !== "none") losses.hint("reasoning", "the model decides how much it reasons");
  else if (thinking !== "none") losses.dropped("reasoning", "the provider cannot be told; the model decides");
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

/**
 * Fields that are OpenAI's, which several other providers of the dialect refuse a request for: they go to models that take
 * OpenAI's newer name of the limit, too. Names of users and caches that are longer than what is taken become their digests.
 */
export function encodeExtras(
  { user, cacheKey, verbosity, speed }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): JsonObject {
  if (traits.maxTokensField === "max_completion_tokens") {
    return present({
      user: user && labelOf(user),
      prompt_cache_key: cacheKey && labelOf(cacheKey),
      verbosity,
      service_tier: speed,
    });
  }
  const why = "the provider may not know it";
  if (user !== undefined) losses.hint("user", why);
  if (cacheKey !== undefined) losses.hint("prompt_cache_key", why);
  if (speed !== undefined) losses.hint("service_tier", why);
  if (verbosity !== undefined) losses.dropped("verbosity", why);
  return {};
}

const mostLabelLength = 64;

function labelOf(text: string): string {
  return text.length <= mostLabelLength ? text : createHash("sha256").update(text).digest("hex");
}
