import { createHash } from "node:crypto";
import type { Conversation, JsonObject, TextPart, Turn } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import type { CountCodec, EncodedRequest, TargetModel } from "../codec.ts";
import { counter } from "../counter.ts";
import { CacheMarks } from "./cache-marks.ts";
import { textBlock } from "./encode-content.ts";
import { samplingFields, stopsOf } from "./encode-sampling.ts";
import { type ThinkingChoice, thinkingFor } from "./encode-thinking.ts";
import { toolFields } from "./encode-tools.ts";
import { messagesOf, withEnd } from "./encode-turns.ts";
import { outputSchema } from "./output-schema.ts";

/** The version that still has `temperature`, `top_p` and `top_k`, and the one that has not. */
const versions = { withSampling: "2023-06-01", current: "2026-10-21" } as const;

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const marks = new CacheMarks();
  const choice = thinkingFor(conversation, target, losses);
  const tools = toolFields(conversation, target, choice.isOn, marks, losses);
  const { system, turns } = leading(conversation);
  const output = outputFields(conversation, target, choice, losses);
  const told = [...system, ...output.instructions].map((part) => textBlock(part, { marks }));
  const { provider, traits } = target;
  const messages = messagesOf(turns, { provider, traits, marks, losses });
  const sampling = samplingFields(conversation.sampling, traits.sampling, choice.isOn, losses);
  const version = Object.keys(sampling).length > 0 ? versions.withSampling : versions.current;
  const body = present({
    model: target.model,
    max_tokens: choice.maxTokens,
    system: told.length > 0 ? told : undefined,
    messages: withEnd(messages, traits.prefill && !choice.isOn, losses),
    ...tools,
    ...sampling,
    thinking: choice.thinking,
    output_config: output.config,
    stop_sequences: stopsOf(conversation.stop, losses),
    metadata: userOf(conversation.user, losses),
    speed: speedOf(conversation, version, losses),
    stream: conversation.stream ? true : undefined,
  });
  if (conversation.cacheKey !== undefined) losses.hint("prompt_cache_key", "the provider keys its cache by itself");
  if (conversation.verbosity !== undefined) losses.dropped("verbosity", "the provider cannot be told");
  marks.write(losses);
  return { body, path: "/messages", headers: { "anthropic-version": version }, losses: losses.list };
}

/** Instructions before the first turn belong to `system`; if there is no other turn, they are what is asked. */
function leading(conversation: Conversation): {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
} {
  const system = conversation.system.filter(({ text }) => text.trim() !== "");
  const first = conversation.turns.findIndex((turn) => turn.role !== "system");
  const isAll = first < 0;
  const before = isAll ? conversation.turns : conversation.turns.slice(0, first);
  const instructions = before.flatMap((turn) => (turn.role === "system" ? turn.parts : []));
  if (isAll) return { system, turns: [{ role: "user", parts: instructions }] };
  return { system: [...system, ...instructions], turns: conversation.turns.slice(first) };
}

interface OutputFields {
  readonly config: JsonObject | undefined;
  readonly instructions: readonly TextPart[];
}

/** What form the answer is to have; said in words where the model has no field for it. */
function outputFields(
  { output }: Conversation,
  { traits }: TargetModel,
  { effort }: ThinkingChoice,
  losses: Losses,
): OutputFields {
  const config = effort === undefined ? {} : { effort };
  const plain = { config: effort === undefined ? undefined : config, instructions: [] };
  if (output === undefined) return plain;
  const path = "response_format";
  if (output.type === "schema" && traits.schemaOutput) {
    const { schema, told } = outputSchema(output.schema);
    if (told.length > 0) losses.changed(path, `the model is only told of ${told.join(", ")}`);
    return { config: { ...config, format: { type: "json_schema", schema } }, instructions: [] };
  }
  losses.changed(path, "the model is told in words to answer in JSON");
  const schema = output.type === "schema" ? ` It must follow this JSON schema:\n${JSON.stringify(output.schema)}` : "";
  const text = `Answer with one JSON document and nothing else, without a code fence.${schema}`;
  return { ...plain, instructions: [{ type: "text", text }] };
}

const mostUserCharacters = 256;

function userOf(user: string | undefined, losses: Losses): JsonObject | undefined {
  if (user === undefined || user === "") return undefined;
  if (user.length <= mostUserCharacters) return { user_id: user };
  losses.hint("user", "it is too long for the provider, which gets a digest of it");
  return { user_id: createHash("sha256").update(user).digest("hex") };
}

function speedOf({ speed }: Conversation, version: string, losses: Losses): "fast" | undefined {
  if (speed === undefined || version === versions.current) return speed;
  losses.hint("service_tier", "the provider has no fast answers where it takes sampling parameters");
  return undefined;
}

/** What the counter reads; it refuses the rest. */
const counted = ["model", "system", "messages", "tools", "tool_choice", "thinking", "output_config"] as const;

export const count: CountCodec = {
  encode(conversation, target) {
    const { body, losses } = encodeRequest(conversation, target);
    const kept = counted.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]]]));
    const headers = { "anthropic-version": versions.current };
    return { body: Object.fromEntries(kept) as JsonObject, path: "/messages/count_tokens", headers, losses };
  },
  decode: (body) => counter(body, "input_tokens"),
  encodeReply: (tokens) => ({ input_tokens: tokens }),
};
