import { efforts, type Effort } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import {
  invalid,
  objectAt,
  optionalCount,
  optionalFlag,
  optionalNumber,
  optionalObject,
  optionalText,
  present,
  textAt,
} from "../canonical/wire.ts";
import type { AskedRequest, DecodedRequest } from "../codec.ts";
import { decodeInput } from "./decode-input.ts";
import { ToolList } from "./decode-tools.ts";
import { echoOf } from "./echo.ts";
import { withItems } from "./item-references.ts";
import { noteOtherFields, refuseKept } from "./other-fields.ts";
import type { Reading } from "./reading.ts";

export function decodeRequest(body: JsonObject, { stream, seal, items }: AskedRequest): DecodedRequest {
  refuseKept(body);
  const losses = new Losses();
  const tools = new ToolList(losses);
  const instructions = optionalText(body["instructions"], "instructions") ?? "";
  const system = instructions === "" ? [] : [{ type: "text", text: instructions } as const];
  const reading: Reading = { losses, tools, seal, system, turns: [], answered: new Set(), update: undefined };
  tools.addAll(body["tools"], "tools");
  decodeInput(withItems(body["input"], items), reading);
  noteOtherFields(body, losses);
  const settings = { ...body, ...reading.update };
  const conversation: Conversation = {
    system: reading.system,
    turns: reading.turns,
    tools: tools.tools,
    sampling: samplingOf(body),
    stop: [],
    stream,
    ...present({
      toolChoice: tools.choice(body["tool_choice"]),
      parallelTools: optionalFlag(body["parallel_tool_calls"], "parallel_tool_calls"),
      maxOutputTokens: optionalCount(body["max_output_tokens"], "max_output_tokens"),
      reasoning: reasoningOf(settings["reasoning"], losses),
      user: optionalText(body["safety_identifier"], "safety_identifier") ?? optionalText(body["user"], "user"),
      cacheKey: optionalText(body["prompt_cache_key"], "prompt_cache_key"),
      speed: body["service_tier"] === "fast" ? ("fast" as const) : undefined,
    }),
    ...textOf(settings["text"]),
  };
  return { conversation, losses: losses.list, echo: echoOf(body) };
}

function samplingOf(body: JsonObject): Conversation["sampling"] {
  return present({
    temperature: optionalNumber(body["temperature"], "temperature"),
    topP: optionalNumber(body["top_p"], "top_p"),
    presencePenalty: optionalNumber(body["presence_penalty"], "presence_penalty"),
    frequencyPenalty: optionalNumber(body["frequency_penalty"], "frequency_penalty"),
  });
}

/** Whoever asks for a summary wants to read it. */
function reasoningOf(value: unknown, losses: Losses): Reasoning | undefined {
  const asked = optionalObject(value, "reasoning");
  if (asked === undefined) return undefined;
  const effort = effortOf(optionalText(asked["effort"], "reasoning.effort"));
  const summary = asked["summary"] ?? asked["generate_summary"];
  const shown = summary !== undefined && summary !== null;
  for (const field of ["context", "mode"]) {
    if (asked[field] !== undefined && asked[field] !== null) {
      losses.hint(`reasoning.${field}`, "other dialects leave it to the model");
    }
  }
  if (effort === undefined && !shown) return undefined;
  return effort === undefined ? { shown } : { effort, shown };
}

function effortOf(word: string | undefined): Effort | undefined {
  if (word === undefined) return undefined;
  const effort = efforts.find((each) => each === word);
  if (effort === undefined) throw invalid("reasoning.effort", `must be one of ${efforts.join(", ")}`);
  return effort;
}

function textOf(value: unknown): Pick<Conversation, "output" | "verbosity"> {
  const text = optionalObject(value, "text");
  if (text === undefined) return {};
  return present({ output: formatOf(text["format"]), verbosity: verbosityOf(text["verbosity"]) });
}

function formatOf(value: unknown): OutputFormat | undefined {
  const format = optionalObject(value, "text.format");
  if (format === undefined) return undefined;
  const type = textAt(format["type"], "text.format.type");
  if (type === "text") return undefined;
  if (type === "json_object") return { type: "json" };
  if (type !== "json_schema") throw invalid("text.format.type", "must be `text`, `json_object` or `json_schema`");
  return {
    type: "schema",
    name: optionalText(format["name"], "text.format.name") ?? "answer",
    schema: objectAt(format["schema"], "text.format.schema"),
    ...present({
      description: optionalText(format["description"], "text.format.description"),
      strict: optionalFlag(format["strict"], "text.format.strict"),
    }),
  };
}

function verbosityOf(value: unknown): Conversation["verbosity"] {
  if (value === undefined || value === null) return undefined;
  if (value === "low" || value === "medium" || value === "high") return value;
  throw invalid("text.verbosity", "must be `low`, `medium` or `high`");
}
