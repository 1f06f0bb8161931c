import type { AssistantPart, Conversation, ThinkingPart } from "../canonical/conversation.ts";

/**
 * The conversation with the thoughts that its caller's client could not carry, each before the call that it was given with. A turn
 * that brought states of its own needs none. Where a turn brought the text of its thoughts alone, that text is part of what is
 * remembered: a state vouches for its own text, and is refused with another.
 */
export function withRemembered(
  conversation: Conversation,
  thoughts: ReadonlyMap<string, readonly ThinkingPart[]>,
): Conversation {
  if (thoughts.size === 0) return conversation;
  const turns = conversation.turns.map((turn) => {
    if (turn.role !== "assistant" || turn.parts.some(hasState)) return turn;
    if (!turn.parts.some((part) => thoughtsBefore(part, thoughts).length > 0)) return turn;
    const said = turn.parts.filter((part) => part.type !== "thinking");
    return { ...turn, parts: said.flatMap((part) => [...thoughtsBefore(part, thoughts), part]) };
  });
  return { ...conversation, turns };
}

function hasState(part: AssistantPart): boolean {
  return part.type === "thinking" && part.state !== undefined;
}

function thoughtsBefore(
  part: AssistantPart,
  thoughts: ReadonlyMap<string, readonly ThinkingPart[]>,
): readonly ThinkingPart[] {
  return part.type === "tool_call" ? (thoughts.get(part.id) ?? []) : [];
}
