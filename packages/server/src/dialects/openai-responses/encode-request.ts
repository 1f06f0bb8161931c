import { createHash } from "node:crypto";
import { askedEffort, takenEffort } from "../canonical/effort.ts";
import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import type { EncodedRequest, TargetModel } from "../codec.ts";
import { encodeInput } from "./encode-input.ts";
import { encodeTools } from "./encode-tools.ts";

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const thinks = target.traits.thinking !== "none";
  const body = {
    ...encodeAsked(conversation, target, losses),
    ...present({
      max_output_tokens: limitOf(conversation, target, losses),
      ...samplingOf(conversation, target, losses),
      safety_identifier: shortened(conversation.user),
      prompt_cache_key: shortened(conversation.cacheKey),
      service_tier: conversation.speed,
      include: thinks ? ["reasoning.encrypted_content"] : undefined,
      stream: conversation.stream ? true : undefined,
    }),
    store: false,
  };
  if (conversation.stop.length > 0) losses.dropped("stop", "the dialect has no texts that end an answer");
  return { body, path: "/responses", headers: {}, losses: losses.list };
}

/** A request to the counter takes what makes the prompt, and nothing of the answer. */
export function encodeCount(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const body = encodeAsked(conversation, target, losses);
  return { body, path: "/responses/input_tokens", headers: {}, losses: losses.list };
}

function encodeAsked(conversation: Conversation, target: TargetModel, losses: Losses): JsonObject {
  const { output, system } = conversation;
  const schemaText = output?.type === "schema" && !target.traits.schemaOutput ? [schemaAsked(output.schema)] : [];
  const texts = [...system.map((part) => part.text), ...schemaText];
  if (hasCacheMark(conversation)) losses.hint("cache_control", "the provider decides by itself what it keeps");
  const input = encodeInput(conversation.turns, target, losses);
  const format = formatOf(output, target, losses);
  const text = present({ format, verbosity: conversation.verbosity });
  return {
    model: target.model,
    ...(texts.length > 0 && { instructions: texts.join("\n\n") }),
    input: format?.["type"] === "json_object" ? withWordJson(input, losses) : input,
    ...encodeTools(conversation, target, losses),
    ...present({
      reasoning: reasoningOf(conversation, target, losses),
      text: Object.keys(text).length > 0 ? text : undefined,
    }),
  };
}

function hasCacheMark({ system, turns, tools }: Conversation): boolean {
  const places = [...system, ...tools, ...turns.flatMap((turn): readonly object[] => turn.parts)];
  return places.some((place) => "cache" in place && place.cache !== undefined);
}

/** https://platform.openai.com/docs/api-reference/responses/create, November 2026 */
const leastOutputTokens = 16;

function limitOf(
  { maxOutputTokens: asked }: Conversation,
  { traits }: TargetModel,
  losses: Losses,
): number | undefined {
  if (asked === undefined) return undefined;
  const taken = Math.max(leastOutputTokens, Math.min(asked, traits.maxOutputTokens ?? asked));
  if (taken !== asked) losses.changed("max_tokens", `the model takes no ${asked}; it is ${taken}`);
  return taken;
}

function samplingOf({ sampling }: Conversation, { traits }: TargetModel, losses: Losses): JsonObject {
  const { temperature, topP, ...others } = sampling;
  const unknown = {
    topK: "top_k",
    seed: "seed",
    presencePenalty: "presence_penalty",
    frequencyPenalty: "frequency_penalty",
  };
  for (const [field, path] of Object.entries(unknown)) {
    if (others[field as keyof typeof others] !== undefined) losses.dropped(path, "the dialect has none");
  }
  if (traits.sampling) return { temperature, top_p: topP };
  if (temperature !== undefined) losses.dropped("temperature", "the model takes none");
  if (topP !== undefined) losses.dropped("top_p", "the model takes none");
  return {};
}

/** At most one word for the effort, and a summary where the caller wants to read it. */
function reasoningOf({ reasoning }: Conversation, { traits }: TargetModel, losses: Losses): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  const effort = effortOf(reasoning, traits, losses);
  if (traits.thinking === "none") return undefined;
  const summary = reasoning.shown && effort !== "none" ? "auto" : undefined;
  return effort === undefined && summary === undefined ? undefined : present({ effort, summary });
}

function effortOf(reasoning: Reasoning, traits: ModelTraits, losses: Losses): Effort | undefined {
  const asked = askedEffort(reasoning);
  if (asked === undefined) return undefined;
  if (traits.thinking === "none") {
    if (asked !== "none") losses.dropped("reasoning", "the model is not known to reason");
    return undefined;
  }
  const effort = takenEffort(asked, traits);
  if (effort === undefined) losses.dropped("reasoning", "the model takes no effort");
  else if (effort !== asked) losses.changed("reasoning", `the model takes no effort \`${asked}\`; it is \`${effort}\``);
  else if (reasoning.effort === undefined) {
    losses.changed("reasoning", `the model takes no number of tokens; the effort is \`${asked}\``);
  }
  return effort;
}

function formatOf(output: OutputFormat | undefined, { traits }: TargetModel, losses: Losses): JsonObject | undefined {
  if (output === undefined) return undefined;
  if (output.type === "json") return { type: "json_object" };
  if (!traits.schemaOutput) {
    losses.changed("response_format", "the model takes no schema; it is told of it in words");
    return { type: "json_object" };
  }
  const { description, schema, strict } = output;
  return present({ type: "json_schema", name: schemaName(output.name), description, schema, strict });
}

function schemaName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "answer";
}

function schemaAsked(schema: JsonObject): string {
  return `Answer with a JSON document that follows this schema, and nothing else:\n${JSON.stringify(schema)}`;
}

/** The API refuses to answer in JSON unless some message has that word. */
function withWordJson(input: readonly JsonObject[], losses: Losses): readonly JsonObject[] {
  const isSaid = input.some(({ role, content }) => role !== undefined && /json/i.test(JSON.stringify(content)));
  if (isSaid) return input;
  losses.changed("response_format", "the model is also told in words to answer in JSON");
  const said = { type: "message", role: "developer", content: [{ type: "input_text", text: "Answer in JSON." }] };
  return [said, ...input];
}

/** Names of users and caches are limited in length; what is longer is told apart by its digest. */
const mostNameLength = 64;

function shortened(name: string | undefined): string | undefined {
  if (name === undefined || name === "" || name.length <= mostNameLength) return name === "" ? undefined : name;
  return createHash("sha256").update(name).digest("hex");
}
