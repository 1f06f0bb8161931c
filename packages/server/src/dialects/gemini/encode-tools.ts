import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { lowerSchema } from "../canonical/tool-schema.ts";
import { present } from "../canonical/wire.ts";

/** What all schemas of a request may have together when their references are followed. */
const mostSchemaNodes = 20_000;

export interface EncodedTools {
  readonly tools: readonly JsonObject[];
  readonly toolConfig: JsonObject | undefined;
}

export function encodeTools(conversation: Conversation, traits: ModelTraits, losses: Losses): EncodedTools {
  const { tools, toolChoice, parallelTools } = conversation;
  const none = { tools: [], toolConfig: undefined };
  if (tools.length === 0) return none;
  if (!traits.tools) {
    losses.dropped("tools", "the model has no use of tools");
    return none;
  }
  if (parallelTools === false)
    losses.dropped("parallel_tool_calls", "Gemini cannot be kept from several calls at a time");
  const budget = { nodesLeft: mostSchemaNodes };
  const offered = offeredTools(tools, toolChoice);
  const declarations = offered.map((tool, index) => declarationOf(tool, index, traits, budget, losses));
  return { tools: declarations, toolConfig: declarations.length > 0 ? configOf(toolChoice) : undefined };
}

/** Names can be allowed only where a call is wanted; else the others are not offered. */
function offeredTools(tools: readonly Tool[], choice: ToolChoice | undefined): readonly Tool[] {
  return choice?.type === "allowed" ? tools.filter(({ name }) => choice.names.includes(name)) : tools;
}

function declarationOf(
  { name, description, parameters, strict }: Tool,
  index: number,
  { toolSchema }: ModelTraits,
  budget: { nodesLeft: number },
  losses: Losses,
): JsonObject {
  const path = `tools[${index}].parameters`;
  const isPlain = toolSchema === "json-schema";
  const { schema, losses: lost } = lowerSchema(parameters, isPlain ? "json-schema" : "openapi", path, budget);
  losses.addAll(lost);
  if (strict === true)
    losses.dropped(`tools[${index}].strict`, "Gemini does not hold a model to a schema of arguments");
  const isEmpty = schema === undefined || Object.keys((schema["properties"] ?? {}) as object).length === 0;
  const takesNone =
    isEmpty && schema?.["additionalProperties"] === undefined && schema?.["patternProperties"] === undefined;
  const told = takesNone ? undefined : schema;
  return present({
    name,
    description,
    parameters: isPlain ? undefined : told,
    parametersJsonSchema: isPlain ? told : undefined,
  });
}

function configOf(choice: ToolChoice | undefined): JsonObject | undefined {
  const config = callingConfig(choice);
  return config === undefined ? undefined : { functionCallingConfig: config };
}

function callingConfig(choice: ToolChoice | undefined): JsonObject | undefined {
  switch (choice?.type) {
    case undefined:
      return undefined;
    case "auto":
      return { mode: "AUTO" };
    case "none":
      return { mode: "NONE" };
    case "any":
      return { mode: "ANY" };
    case "tool":
      return { mode: "ANY", allowedFunctionNames: [choice.name] };
    case "allowed":
      return choice.required ? { mode: "ANY", allowedFunctionNames: choice.names } : { mode: "AUTO" };
  }
}
