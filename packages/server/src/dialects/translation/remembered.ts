import type { AssistantPart, Conversation, ReasoningState } from "../canonical/conversation.ts";

/**
 * The conversation with the reasoning states that its caller's client could not carry, each before the call that it was given
 * with. A turn that brought states of its own needs none.
 */
export function withRemembered(
  conversation: Conversation,
  states: ReadonlyMap<string, readonly ReasoningState[]>,
): Conversation {
  if (states.size === 0) return conversation;
  const turns = conversation.turns.map((turn) => {
    if (turn.role !== "assistant" || turn.parts.some(hasState)) return turn;
    return { ...turn, parts: turn.parts.flatMap((part) => [...statesBefore(part, states), part]) };
  });
  return { ...conversation, turns };
}

function hasState(part: AssistantPart): boolean {
  return part.type === "thinking" && part.state !== undefined;
}

function statesBefore(
  part: AssistantPart,
  states: ReadonlyMap<string, readonly ReasoningState[]>,
): readonly AssistantPart[] {
  if (part.type !== "tool_call") return [];
  return (states.get(part.id) ?? []).map((state) => ({ type: "thinking", text: "", state }));
}
