import type { Conversation, JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import { askedEffort } from "../canonical/effort.ts";
import type { Losses } from "../canonical/loss.ts";
import { lowerSchema } from "../canonical/tool-schema.ts";
import { present } from "../canonical/wire.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import { lostMark } from "../openai-cache-mark.ts";
import type { ChatRules } from "../request-rules.ts";

/** `tools` and what is said of them; nothing where there are none. */
export function encodeTools(
  conversation: Conversation,
  traits: ModelTraits,
  { lacks }: ChatRules,
  losses: Losses,
): JsonObject {
  const { toolChoice: choice, parallelTools } = conversation;
  const isFree = lacks.includes("tool_choice");
  const tools = offered(conversation.tools, choice);
  if (tools.length === 0 || (isFree && choice?.type === "none")) return {};
  if (!traits.tools) {
    losses.dropped("tools", "the model calls no tools");
    return {};
  }
  const able = choice === undefined ? undefined : possibleChoice(choice, conversation, traits, losses);
  if (isFree && isForced(able)) losses.changed("tool_choice", "the provider lets none be forced; the model may choose");
  const possible = isFree ? undefined : able;
  return {
    tools: tools.map((tool, index) => encodeTool(tool, `tools[${index}]`, traits, losses)),
    ...present({ tool_choice: possible === undefined ? undefined : encodeChoice(possible, tools) }),
    ...(parallelTools === false && { parallel_tool_calls: false }), // that several may be called, all assume
  };
}

/** Few providers know a choice of some of the tools, so the others are left out. */
function offered(tools: readonly Tool[], choice: ToolChoice | undefined): readonly Tool[] {
  if (choice?.type !== "allowed") return tools;
  const allowed = new Set(choice.names);
  return tools.filter(({ name }) => allowed.has(name));
}

function encodeTool(tool: Tool, path: string, traits: ModelTraits, losses: Losses): JsonObject {
  const { kind, name, description, parameters, strict, grammar } = tool;
  if (tool.cache !== undefined) losses.hint("cache_control", lostMark(traits.cacheField));
  if (kind === "custom") {
    const format = grammar && { type: "grammar", grammar };
    return { type: "custom", custom: { name, ...present({ description, format }) } };
  }
  const { schema, losses: lowering } = lowerSchema(parameters, traits.toolSchema, path);
  losses.addAll(lowering);
  return { type: "function", function: { name, ...present({ description, parameters: schema, strict }) } };
}

function possibleChoice(
  choice: ToolChoice,
  { reasoning }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): ToolChoice {
  const thinks = traits.thinking !== "none" && askedEffort(reasoning) !== "none";
  if (!isForced(choice) || !thinks || traits.forcedToolWhileThinking) return choice;
  losses.changed("tool_choice", "the model cannot be made to call a tool while it reasons; it may choose");
  return { type: "auto" };
}

function isForced(choice: ToolChoice | undefined): boolean {
  return choice?.type === "any" || choice?.type === "tool" || (choice?.type === "allowed" && choice.required);
}

function encodeChoice(choice: ToolChoice, tools: readonly Tool[]): unknown {
  switch (choice.type) {
    case "any":
      return "required";
    case "auto":
    case "none":
      return choice.type;
    case "allowed":
      return choice.required ? "required" : "auto";
    case "tool": {
      const isCustom = tools.some(({ name, kind }) => name === choice.name && kind === "custom");
      const named = { name: choice.name };
      return isCustom ? { type: "custom", custom: named } : { type: "function", function: named };
    }
  }
}
