import type { Conversation, JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { lowerSchema } from "../canonical/tool-schema.ts";
import type { TargetModel } from "../codec.ts";
import type { Block, CacheMarks } from "./cache-marks.ts";

/** `tools` and `tool_choice`, as far as there are any. A choice among some is made by leaving the others out. */
export function toolFields(
  conversation: Conversation,
  { traits }: TargetModel,
  isThinking: boolean,
  marks: CacheMarks,
  losses: Losses,
): JsonObject {
  const { toolChoice: choice } = conversation;
  if (!traits.tools && conversation.tools.length > 0) losses.dropped("tools", "the model has no use of tools");
  const offered = traits.tools ? offeredTools(conversation.tools, choice) : [];
  if (offered.length === 0) return {};
  const tools = offered.map((tool) => marks.on(toolBlock(tool, traits, losses), tool.cache));
  const mayForce = !isThinking || traits.forcedToolWhileThinking;
  return { tools, ...choiceField(wordOf(choice), conversation.parallelTools, mayForce, losses) };
}

function offeredTools(tools: readonly Tool[], choice: ToolChoice | undefined): readonly Tool[] {
  return choice?.type === "allowed" ? tools.filter(({ name }) => choice.names.includes(name)) : tools;
}

function toolBlock(tool: Tool, traits: TargetModel["traits"], losses: Losses): Block {
  const { schema, losses: lost } = lowerSchema(tool.parameters, traits.toolSchema, `tools.${tool.name}`);
  losses.addAll(lost);
  const block: Block = { name: tool.name };
  if (tool.description !== undefined) block["description"] = tool.description;
  block["input_schema"] = schema ?? { type: "object", properties: {} };
  if (tool.strict !== true) return block;
  if (traits.schemaOutput) block["strict"] = true;
  else losses.hint(`tools.${tool.name}.strict`, "the model does not hold itself to schemas");
  return block;
}

function wordOf(choice: ToolChoice | undefined): Exclude<ToolChoice, { readonly type: "allowed" }> | undefined {
  if (choice?.type !== "allowed") return choice;
  const [only, ...others] = choice.names;
  if (!choice.required) return { type: "auto" };
  return only !== undefined && others.length === 0 ? { type: "tool", name: only } : { type: "any" };
}

function choiceField(
  choice: ReturnType<typeof wordOf>,
  parallel: boolean | undefined,
  mayForce: boolean,
  losses: Losses,
): JsonObject {
  const single = parallel === false ? { disable_parallel_tool_use: true } : {};
  if (choice === undefined) return parallel === false ? { tool_choice: { type: "auto", ...single } } : {};
  if (choice.type === "none") return { tool_choice: { type: "none" } };
  if (choice.type === "auto" || mayForce) return { tool_choice: { ...choice, ...single } };
  losses.changed("tool_choice", "the model cannot be made to call a tool while it reasons");
  return { tool_choice: { type: "auto", ...single } };
}
