import type { Effort, ModelTraits } from "../../kernel/model-traits.ts";
import { askedEffort, noteNoReasoning, takenEffort } from "../canonical/effort.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning, Tool, ToolChoice } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerSchema } from "../canonical/tool-schema.ts";
import { present } from "../canonical/wire.ts";
import type { EncodedRequest, TargetModel } from "../codec.ts";
import { encodeMessages } from "./encode-messages.ts";

/**
 * A conversation as `/api/chat` takes it. How long its context is, the engine decides: a length that it was not asked for would
 * make it load the model anew.
 */
export function encodeRequest(conversation: Conversation, { model, traits }: TargetModel): EncodedRequest {
  const losses = new Losses();
  const messages = encodeMessages(conversation, traits, losses);
  const tools = encodeTools(conversation, traits, losses);
  const options = encodeOptions(conversation, traits, losses);
  const body = {
    model,
    messages,
    tools: tools.length > 0 ? tools : undefined,
    think: encodeThink(conversation.reasoning, traits, losses),
    format: encodeFormat(conversation.output, traits, losses),
    options: Object.keys(options).length > 0 ? options : undefined,
    stream: conversation.stream,
  };
  noteUnsaid(conversation, losses);
  return { body: present(body), path: "/chat", headers: {}, losses: losses.list };
}

function noteUnsaid({ verbosity, user, cacheKey, speed, system, turns, tools }: Conversation, losses: Losses): void {
  if (verbosity !== undefined) losses.dropped("verbosity", "Ollama has none");
  if (user !== undefined) losses.hint("user", "Ollama is not told who asks");
  if (cacheKey !== undefined) losses.hint("prompt_cache_key", "Ollama keeps what it can by itself");
  if (speed !== undefined) losses.hint("speed", "Ollama has one speed");
  const isMarked = (part: object): boolean => "cache" in part;
  if ([...system, ...tools].some(isMarked) || turns.some((turn) => turn.parts.some(isMarked)))
    losses.hint("cache_control", "Ollama keeps what it can by itself");
}

function encodeOptions(conversation: Conversation, traits: ModelTraits, losses: Losses): JsonObject {
  const { sampling, stop, maxOutputTokens } = conversation;
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty } = sampling;
  const chosen = { temperature, top_p: topP, top_k: whole(topK) };
  if (!traits.sampling) {
    for (const name of Object.keys(present(chosen))) losses.dropped(name, "the model takes none");
  }
  return present({
    ...(traits.sampling && chosen),
    seed: whole(seed),
    presence_penalty: presencePenalty,
    frequency_penalty: frequencyPenalty,
    num_predict: maxOutputTokens,
    stop: stop.length > 0 ? stop : undefined,
  });
}

/** The engine refuses a fraction where it wants a whole number. */
function whole(value: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  return Math.trunc(Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER));
}

function encodeTools({ tools, toolChoice, parallelTools }: Conversation, traits: ModelTraits, losses: Losses) {
  const offered = traits.tools ? chosenTools(tools, toolChoice, losses) : [];
  if (!traits.tools && tools.length > 0) losses.dropped("tools", "the model has no use of tools");
  if (parallelTools === false && offered.length > 0) {
    losses.dropped("parallel_tool_calls", "Ollama cannot keep a model from several calls at a time");
  }
  const budget = { nodesLeft: mostSchemaNodes };
  return offered.map((tool, index) => {
    const { name, description, parameters, strict } = tool;
    const lowered = lowerSchema(parameters, traits.toolSchema, `tools[${index}].parameters`, budget);
    losses.addAll(lowered.losses);
    if (strict === true)
      losses.dropped(`tools[${index}].strict`, "Ollama does not hold a model to a schema of arguments");
    const schema = lowered.schema ?? { type: "object", properties: {} };
    return { type: "function", function: present({ name, description, parameters: schema }) };
  });
}

/** What all schemas of a request may have together when their references are followed. */
const mostSchemaNodes = 20_000;

function chosenTools(tools: readonly Tool[], choice: ToolChoice | undefined, losses: Losses): readonly Tool[] {
  if (choice === undefined || choice.type === "auto" || tools.length === 0) return tools;
  if (choice.type === "none") return [];
  const isForced = choice.type !== "allowed" || choice.required;
  if (isForced) losses.changed("tool_choice", "Ollama cannot force a call; the model may answer without one");
  if (choice.type === "tool") return tools.filter((tool) => tool.name === choice.name);
  return choice.type === "allowed" ? tools.filter((tool) => choice.names.includes(tool.name)) : tools;
}

function encodeThink(
  reasoning: Reasoning | undefined,
  traits: ModelTraits,
  losses: Losses,
): boolean | string | undefined {
  if (reasoning === undefined) return undefined;
  const asked = askedEffort(reasoning);
  if (asked === "none" && traits.canStopThinking) return false;
  if (traits.thinking === "none") {
    noteNoReasoning(reasoning, losses);
    return undefined;
  }
  if (asked === undefined) return true;
  const taken = traits.thinking === "switch" ? undefined : takenEffort(asked, traits);
  const word = taken === undefined ? undefined : words[taken];
  if (word !== asked || reasoning.effort === undefined) losses.changed("reasoning", howChanged(asked, word));
  return word ?? (asked === "none" ? undefined : true);
}

/** What Ollama calls an effort. */
const words: Readonly<Record<Effort, string | undefined>> = {
  none: undefined,
  minimal: "low",
  low: "low",
  medium: "medium",
  high: "high",
  xhigh: "max",
  max: "max",
};

function howChanged(asked: Effort, word: string | undefined): string {
  if (word !== undefined) return `the model is asked for the effort ${word}`;
  return asked === "none"
    ? "the model cannot be kept from reasoning"
    : "the model reasons or does not, without degrees";
}

function encodeFormat(
  output: OutputFormat | undefined,
  { schemaOutput }: ModelTraits,
  losses: Losses,
): JsonObject | "json" | undefined {
  if (output === undefined) return undefined;
  if (output.type === "json") return "json";
  if (schemaOutput) return output.schema;
  losses.changed("response_format", "the model takes no schema for its answer; it is asked for any JSON");
  return "json";
}
