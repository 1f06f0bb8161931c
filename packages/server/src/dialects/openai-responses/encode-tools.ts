import { askedEffort } from "../canonical/effort.ts";
import type { Conversation, JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import type { TargetModel } from "../codec.ts";

/** The tools and how they may be called; nothing of it where there are none. */
export function encodeTools(conversation: Conversation, target: TargetModel, losses: Losses): JsonObject {
  const { tools, parallelTools } = conversation;
  if (tools.length === 0) return {};
  return present({
    tools: tools.map(encodeTool),
    tool_choice: choiceOf(conversation, target, losses),
    parallel_tool_calls: parallelTools,
  });
}

/** Unless it says otherwise, the API makes a schema strict, which changes what the model may leave out. */
function encodeTool(tool: Tool): JsonObject {
  const { kind, name, description } = tool;
  if (kind === "custom") return present({ type: "custom", name, description, format: formatOf(tool) });
  const parameters = schemaOf(tool.parameters);
  return present({ type: "function", name, description, parameters, strict: tool.strict ?? false });
}

function formatOf({ grammar }: Tool): JsonObject | undefined {
  return grammar && { type: "grammar", syntax: grammar.syntax, definition: grammar.definition };
}

function schemaOf(parameters: JsonObject | undefined): JsonObject {
  if (parameters === undefined) return { type: "object", properties: {} };
  return parameters["type"] === "object" ? parameters : { ...parameters, type: "object" };
}

function choiceOf({ toolChoice, tools, reasoning }: Conversation, { traits }: TargetModel, losses: Losses): unknown {
  if (toolChoice === undefined) return undefined;
  const effort = askedEffort(reasoning);
  const reasons = traits.thinking !== "none" && reasoning !== undefined && effort !== "none";
  if (reasons && !traits.forcedToolWhileThinking && isForced(toolChoice)) {
    losses.changed("tool_choice", "no tool can be forced while the model reasons; it chooses by itself");
    return "auto";
  }
  const named = (name: string): JsonObject => ({ type: kindOf(name, tools), name });
  switch (toolChoice.type) {
    case "auto":
    case "none":
      return toolChoice.type;
    case "any":
      return "required";
    case "tool":
      return named(toolChoice.name);
    case "allowed":
      return {
        type: "allowed_tools",
        mode: toolChoice.required ? "required" : "auto",
        tools: toolChoice.names.map(named),
      };
  }
}

function isForced(choice: ToolChoice): boolean {
  return choice.type === "any" || choice.type === "tool" || (choice.type === "allowed" && choice.required);
}

function kindOf(name: string, tools: readonly Tool[]): string {
  return tools.find((tool) => tool.name === name)?.kind ?? "function";
}
