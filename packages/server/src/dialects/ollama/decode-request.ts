import { AppError } from "../../kernel/errors.ts";
import type { Conversation, JsonObject, OutputFormat, Reasoning, Tool } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import {
  invalid,
  isObject,
  objectAt,
  optionalFlag,
  optionalList,
  optionalObject,
  optionalText,
  present,
  textAt,
} from "../canonical/wire.ts";
import type { AskedRequest, DecodedRequest } from "../codec.ts";
import { decodeMessages, type Exchange, imageParts } from "./decode-messages.ts";
import { decodeOptions } from "./decode-options.ts";

/** What a reply needs to know of the request: to which of the two addresses it was sent. */
export interface Echo {
  readonly generate: boolean;
}

/**
 * A request to `/api/chat`, or to `/api/generate`, which is a chat of one message. One without a prompt, which loads a model, is
 * not for here.
 */
export function decodeRequest(body: JsonObject, asked: AskedRequest): DecodedRequest {
  const losses = new Losses();
  const generate = asked.path.endsWith("/generate");
  const { system, turns } = generate ? decodePrompt(body) : decodeMessages(body["messages"], losses);
  noteRest(body, generate ? promptKeys : chatKeys, losses);
  const conversation: Conversation = present({
    system,
    turns,
    tools: generate ? [] : decodeTools(body["tools"], losses),
    reasoning: decodeThink(body["think"]),
    output: decodeFormat(body["format"]),
    ...decodeOptions(optionalObject(body["options"], "options"), losses),
    stream: asked.stream,
  });
  return { conversation, losses: losses.list, echo: { generate } satisfies Echo };
}

const commonKeys = ["model", "stream", "format", "options", "think"];
const chatKeys = new Set([...commonKeys, "messages", "tools"]);
const promptKeys = new Set([...commonKeys, "prompt", "suffix", "system", "images", "context", "raw"]);
/** About the engine's memory, which others care for themselves. */
const engineKeys = new Set(["keep_alive", "truncate", "shift"]);

function noteRest(body: JsonObject, known: ReadonlySet<string>, losses: Losses): void {
  for (const [key, value] of Object.entries(body)) {
    if (known.has(key) || value === null || value === false || value === "") continue;
    if (engineKeys.has(key)) losses.hint(key, "only an Ollama engine has a memory to care for");
    else losses.dropped(key, "only Ollama has it");
  }
}

function decodePrompt(body: JsonObject): Exchange {
  refuseTemplates(body);
  const prompt = optionalText(body["prompt"], "prompt");
  if (prompt === undefined) throw new AppError("missing_field", { field: "prompt" });
  const system = optionalText(body["system"], "system") ?? "";
  const images = imageParts(body["images"], "images");
  return {
    system: system === "" ? [] : [{ type: "text", text: system }],
    turns: [{ role: "user", parts: [...images, { type: "text", text: prompt }] }],
  };
}

/** What changes all of the prompt, so that an answer without it would answer something else. */
function refuseTemplates(body: JsonObject): void {
  if (optionalText(body["suffix"], "suffix") ?? "") {
    throw invalid("suffix", "asks to fill in a text, which only an Ollama engine can do; ask in words, without it");
  }
  if (optionalFlag(body["raw"], "raw") === true) {
    throw invalid("raw", "leaves out the model's own template, which only an Ollama engine can do; ask without it");
  }
  if (optionalList(body["context"], "context").length > 0) {
    throw invalid(
      "context",
      "is an earlier conversation that only the model which made it can read; send its messages to `/api/chat`",
    );
  }
}

function decodeTools(value: unknown, losses: Losses): readonly Tool[] {
  const tools = new Map<string, Tool>();
  for (const [index, item] of optionalList(value, "tools").entries()) {
    const path = `tools[${index}]`;
    const { type, function: stated } = objectAt(item, path);
    if (type !== undefined && type !== "function") {
      losses.dropped(path, "only functions are known");
      continue;
    }
    const tool = decodeTool(objectAt(stated, `${path}.function`), `${path}.function`);
    if (tools.has(tool.name)) losses.dropped(path, "there is another tool of this name before it");
    else tools.set(tool.name, tool);
  }
  return [...tools.values()];
}

function decodeTool(stated: JsonObject, path: string): Tool {
  const name = textAt(stated["name"], `${path}.name`);
  if (name === "") throw invalid(`${path}.name`, "must not be empty");
  return present({
    kind: "function" as const,
    name,
    description: optionalText(stated["description"], `${path}.description`),
    parameters: optionalObject(stated["parameters"], `${path}.parameters`),
  });
}

function decodeThink(think: unknown): Reasoning | undefined {
  if (think === undefined || think === null || think === "") return undefined;
  if (typeof think === "boolean") return think ? { shown: true } : { effort: "none", shown: false };
  const effort = (["low", "medium", "high", "max"] as const).find((word) => word === think);
  if (effort === undefined) throw invalid("think", 'must be true, false, "low", "medium", "high" or "max"');
  return { effort, shown: true };
}

function decodeFormat(format: unknown): OutputFormat | undefined {
  if (format === undefined || format === null || format === "") return undefined;
  if (format === "json") return { type: "json" };
  if (isObject(format)) return { type: "schema", name: "answer", schema: format };
  throw invalid("format", 'must be "json" or a JSON schema');
}
