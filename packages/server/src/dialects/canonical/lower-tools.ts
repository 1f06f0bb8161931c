import type { ToolRules } from "../codec.ts";
import type { AssistantPart, Conversation, Tool, ToolChoice, Turn, UserPart } from "./conversation.ts";
import { nineCharacterId, portableId, portableName } from "./tool-names.ts";

/*
 * Before a conversation is encoded, its tools and calls get names and ids that the target takes, in the list, in the choice and
 * in the history alike; and where the target knows no tools that take any text, they become functions of one argument,
 * `input`. `raise-tools.ts` takes both back in what the provider answers.
 */

export interface LoweredTools {
  readonly conversation: Conversation;
  /** By the name that the provider knows, the tool as the conversation has it; only where anything was changed. */
  readonly changed: ReadonlyMap<string, Tool>;
}

export function lowerTools(
  conversation: Conversation,
  rules: ToolRules,
  callIds: "any" | "nine" = "any",
): LoweredTools {
  const nameOf = (name: string): string => portableName(name, rules);
  const idOf = (id: string): string => (callIds === "nine" ? nineCharacterId(id) : portableId(id, rules));
  const changed = new Map<string, Tool>();
  const tools = conversation.tools.map((tool): Tool => {
    const lowered = lowerTool(tool, nameOf(tool.name), rules.custom);
    if (lowered.name !== tool.name || lowered.kind !== tool.kind) changed.set(lowered.name, tool);
    return lowered;
  });
  const change = { nameOf, idOf, custom: rules.custom };
  const turns = conversation.turns.map((turn) => lowerTurn(turn, change));
  const { toolChoice } = conversation;
  const lowered = { ...conversation, tools, turns, ...(toolChoice && { toolChoice: lowerChoice(toolChoice, nameOf) }) };
  return { conversation: lowered, changed };
}

/** What a tool that takes any text is made into, where there are only functions. */
const inputSchema = {
  type: "object",
  properties: { input: { type: "string", description: "The whole input of the tool, as it is." } },
  required: ["input"],
  additionalProperties: false,
} as const;

function lowerTool(tool: Tool, name: string, knowsCustom: boolean): Tool {
  if (tool.kind === "function" || knowsCustom) return { ...tool, name };
  const { grammar, description = "", kind: _kind, ...same } = tool;
  const rule =
    grammar === undefined ? "" : `\n\nThe input must follow this ${grammar.syntax} grammar:\n${grammar.definition}`;
  return { ...same, kind: "function", name, description: description + rule, parameters: inputSchema };
}

interface Change {
  nameOf(name: string): string;
  idOf(id: string): string;
  readonly custom: boolean;
}

function lowerTurn(turn: Turn, change: Change): Turn {
  if (turn.role === "system") return turn;
  if (turn.role === "assistant") return { ...turn, parts: turn.parts.map((part) => lowerCall(part, change)) };
  return { ...turn, parts: turn.parts.map((part) => lowerResult(part, change)) };
}

function lowerCall(part: AssistantPart, { nameOf, idOf, custom }: Change): AssistantPart {
  if (part.type !== "tool_call") return part;
  const named = { ...part, id: idOf(part.id), name: nameOf(part.name) };
  if (part.kind === "function" || custom) return named;
  return { ...named, kind: "function", arguments: JSON.stringify({ input: part.arguments }) };
}

function lowerResult(part: UserPart, { idOf, custom }: Change): UserPart {
  if (part.type !== "tool_result") return part;
  return { ...part, callId: idOf(part.callId), kind: custom ? part.kind : "function" };
}

function lowerChoice(choice: ToolChoice, nameOf: (name: string) => string): ToolChoice {
  if (choice.type === "tool") return { ...choice, name: nameOf(choice.name) };
  return choice.type === "allowed" ? { ...choice, names: choice.names.map(nameOf) } : choice;
}
