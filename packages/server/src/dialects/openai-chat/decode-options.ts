import { type Effort, efforts } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning, Sampling } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  objectAt,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalObject,
  optionalText,
  present,
} from "../canonical/wire.ts";
import { counter, field } from "../counter.ts";

export function decodeSampling(body: JsonObject): Sampling {
  const topK = optionalNumber(body["top_k"], "top_k") ?? 0;
  return present({
    temperature: optionalNumber(body["temperature"], "temperature"),
    topP: optionalNumber(body["top_p"], "top_p"),
    topK: topK > 0 ? topK : undefined, // engines take 0 and -1 for "all"
    seed: optionalNumber(body["seed"], "seed"),
    presencePenalty: optionalNumber(body["presence_penalty"], "presence_penalty"),
    frequencyPenalty: optionalNumber(body["frequency_penalty"], "frequency_penalty"),
  });
}

/** The newer field counts, as with OpenAI. */
export function decodeLimit(body: JsonObject): number | undefined {
  for (const name of ["max_completion_tokens", "max_tokens"]) {
    const limit = optionalCount(body[name], name);
    if (limit === 0) throw invalid(name, "must be 1 or more");
    if (limit !== undefined) return limit;
  }
  return undefined;
}

/**
 * How much to reason, in the words of OpenAI (`reasoning_effort`), OpenRouter (`reasoning`), and those that have a switch
 * (`thinking`, `enable_thinking`). What is reasoned is shown unless the caller declines.
 */
export function decodeReasoningWish(body: JsonObject, losses: Losses): Reasoning | undefined {
  const wish = optionalObject(body["reasoning"], "reasoning");
  const thinking = optionalObject(body["thinking"], "thinking");
  const isOn = switchIn(body, thinking, wish);
  const effort =
    effortAt(body["reasoning_effort"], "reasoning_effort", losses) ??
    effortAt(wish?.["effort"], "reasoning.effort", losses) ??
    (isOn === false ? "none" : undefined);
  if (effort === undefined && wish === undefined && isOn === undefined) return undefined;
  const shown = isShown(body, wish);
  if (effort !== undefined) return { effort, shown };
  return { ...present({ budgetTokens: counter(wish, "max_tokens") ?? counter(thinking, "budget_tokens") }), shown };
}

function switchIn(
  body: JsonObject,
  thinking: JsonObject | undefined,
  wish: JsonObject | undefined,
): boolean | undefined {
  const flag = optionalFlag(body["enable_thinking"], "enable_thinking");
  if (flag !== undefined) return flag;
  if (thinking !== undefined) return thinking["type"] !== "disabled";
  return optionalFlag(wish?.["enabled"], "reasoning.enabled");
}

function isShown(body: JsonObject, wish: JsonObject | undefined): boolean {
  return wish?.["exclude"] !== true && body["include_reasoning"] !== false && body["reasoning_format"] !== "hidden";
}

function effortAt(value: unknown, path: string, losses: Losses): Effort | undefined {
  const word = optionalText(value, path);
  const effort = efforts.find((known) => known === word);
  if (word !== undefined && effort === undefined && word !== "default" && word !== "auto")
    losses.dropped(path, `\`${word}\` is no effort that is known here`);
  return effort;
}

export function decodeOutput(body: JsonObject, losses: Losses): OutputFormat | undefined {
  const format = optionalObject(body["response_format"], "response_format");
  if (format === undefined) return undefined;
  switch (format["type"]) {
    case undefined:
    case "text":
      return undefined;
    case "json_object":
      return { type: "json" };
    case "json_schema":
      return schemaIn(objectAt(format["json_schema"], "response_format.json_schema"));
    default:
      losses.dropped("response_format", `the form \`${String(format["type"])}\` cannot be asked of this model`);
      return undefined;
  }
}

/** Without a schema it is any JSON. */
function schemaIn(given: JsonObject): OutputFormat {
  const path = "response_format.json_schema";
  const schema = optionalObject(given["schema"], `${path}.schema`);
  if (schema === undefined) return { type: "json" };
  const name = optionalText(given["name"], `${path}.name`) ?? "";
  return {
    type: "schema",
    name: name === "" ? "response" : name,
    schema,
    ...present({
      description: optionalText(given["description"], `${path}.description`),
      strict: optionalFlag(given["strict"], `${path}.strict`),
    }),
  };
}

export function decodeVerbosity(body: JsonObject, losses: Losses): Conversation["verbosity"] {
  const word = optionalText(body["verbosity"], "verbosity");
  if (word === undefined || word === "low" || word === "medium" || word === "high") return word;
  losses.dropped("verbosity", "it must be low, medium or high");
  return undefined;
}

/** Of the tiers only the fast ones are known elsewhere; the default ones say nothing. */
export function decodeSpeed(body: JsonObject, losses: Losses): Conversation["speed"] {
  const tier = optionalText(body["service_tier"], "service_tier");
  if (tier === "fast" || tier === "priority") return "fast";
  if (tier !== undefined && !["auto", "default", "standard", "on_demand"].includes(tier))
    losses.hint("service_tier", `the tier \`${tier}\` is not known to this provider`);
  return undefined;
}

/** Who asks. */
export function decodeUser(body: JsonObject): string | undefined {
  const user = optionalText(body["safety_identifier"], "safety_identifier") ?? optionalText(body["user"], "user");
  return user === "" ? undefined : user;
}

/** @throws AppError `invalid_request` for what would be an answer of another kind, and must not be ignored */
export function refuseImpossible(body: JsonObject): void {
  const count = optionalNumber(body["n"], "n");
  if (count !== undefined && count !== 1)
    throw invalid("n", "must be 1: this model gives one answer; send the request several times for more");
  const modalities = body["modalities"];
  const speaks = Array.isArray(modalities) && modalities.some((modality) => modality !== "text");
  if (speaks || field(body, "audio", "voice") !== undefined)
    throw invalid("modalities", "may only hold text: this model cannot answer with anything else");
}
