import { askedEffort, noteNoReasoning, takenEffort } from "../canonical/effort.ts";
import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning, TextPart } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import type { EncodedRequest, TargetModel } from "../codec.ts";
import { hasMark, lostMark } from "../openai-cache-mark.ts";
import { openaiRules, type ResponsesRules } from "../request-rules.ts";
import { encodeExtras, verbosityOf } from "./encode-extras.ts";
import { encodeInput, encodeLeading } from "./encode-input.ts";
import { encodeTools } from "./encode-tools.ts";

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const rules = rulesOf(target);
  const body = {
    ...encodeAsked(conversation, target, losses),
    ...present({
      max_output_tokens: limitOf(conversation, target, losses),
      ...samplingOf(conversation, target, losses),
      ...encodeExtras(conversation, target.traits, rules, losses),
      stream: conversation.stream ? true : undefined,
    }),
    ...(rules.store && { store: false }),
  };
  if (conversation.stop.length > 0) losses.dropped("stop", "the dialect has no texts that end an answer");
  return { body, path: "/responses", headers: {}, losses: losses.list };
}

function rulesOf({ rules = openaiRules }: TargetModel): ResponsesRules {
  return rules.responses;
}

/** A request to the counter takes what makes the prompt, and nothing of the answer. */
export function encodeCount(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const body = encodeAsked(conversation, target, losses);
  return { body, path: "/responses/input_tokens", headers: {}, losses: losses.list };
}

function encodeAsked(conversation: Conversation, target: TargetModel, losses: Losses): JsonObject {
  const { output } = conversation;
  loseMarks(conversation, target, losses);
  const leading = leadingOf(conversation, target);
  const isLong = target.traits.cacheField !== "none" && hasMark(leading);
  const input = [
    ...(isLong ? [encodeLeading(leading, target, losses)] : []),
    ...encodeInput(conversation.turns, target, losses),
  ];
  const format = formatOf(output, target, losses);
  const text = present({ format, verbosity: verbosityOf(conversation, target.traits, rulesOf(target), losses) });
  return {
    model: target.model,
    ...(leading.length > 0 && !isLong && { instructions: leading.map((part) => part.text).join("\n\n") }),
    input: format?.["type"] === "json_object" ? withWordJson(input, losses) : input,
    ...encodeTools(conversation, target, losses),
    ...present({
      reasoning: reasoningOf(conversation, target, losses),
      text: Object.keys(text).length > 0 ? text : undefined,
    }),
  };
}

/** What stands before the first turn. `instructions` is a text, so what is marked is told as a message. */
function leadingOf({ system, output }: Conversation, { traits }: TargetModel): readonly TextPart[] {
  if (output?.type !== "schema" || traits.schemaOutput) return system;
  return [...system, { type: "text", text: schemaAsked(output.schema) }];
}

function loseMarks({ system, turns, tools }: Conversation, { traits }: TargetModel, losses: Losses): void {
  const { cacheField } = traits;
  const unmarkable = cacheField === "none" ? turns : turns.filter(({ role }) => role !== "user");
  const places = [...tools, ...unmarkable.flatMap((turn): readonly object[] => turn.parts)];
  const isLost = hasMark(cacheField === "none" ? [...system, ...places] : places);
  if (isLost) losses.hint("cache_control", lostMark(cacheField));
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
  if (taken > asked) losses.changed("max_tokens", `the model takes no ${asked}; it is ${taken}`);
  if (taken < asked) losses.hint("max_tokens", `the model answers with ${taken} tokens at most`);
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
    const value = others[field as keyof typeof others];
    const isUsual = value === 0 && path.endsWith("penalty");
    if (value !== undefined && !isUsual) losses.dropped(path, "the dialect has none");
  }
  if (traits.sampling) return { temperature, top_p: topP };
  // What is so anyway is no loss.
  if (temperature !== undefined && temperature !== 1) losses.dropped("temperature", "the model takes none");
  if (topP !== undefined && topP !== 1) losses.dropped("top_p", "the model takes none");
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
  if (traits.thinking === "none") {
    noteNoReasoning(reasoning, losses);
    return undefined;
  }
  if (asked === undefined) return undefined;
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
