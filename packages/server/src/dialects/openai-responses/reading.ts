import type {
  AssistantPart,
  JsonObject,
  ResultPart,
  TextPart,
  ToolKind,
  Turn,
  UserPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import type { ToolList } from "./decode-tools.ts";

/** What is needed to read the input, and what is found there. */
export interface Reading {
  readonly losses: Losses;
  readonly tools: ToolList;
  readonly seal: StateSeal;
  readonly system: TextPart[];
  readonly turns: Turn[];
  /** Ids of calls that have an output. */
  readonly answered: Set<string>;
  /** The last settings that take the place of the request's. */
  update: JsonObject | undefined;
}

export function addUser(parts: readonly UserPart[], { turns }: Reading): void {
  if (parts.length > 0) turns.push({ role: "user", parts });
}

export function addAssistant(parts: readonly AssistantPart[], { turns }: Reading): void {
  if (parts.length > 0) turns.push({ role: "assistant", parts });
}

export function addResult(
  callId: string,
  kind: ToolKind,
  parts: readonly ResultPart[],
  isError: boolean,
  { turns }: Reading,
): void {
  turns.push({ role: "user", parts: [{ type: "tool_result", callId, kind, parts, isError }] });
}
