import type {
  AssistantPart,
  AssistantTurn,
  Conversation,
  SystemTurn,
  ToolCallPart,
  ToolResultPart,
  Turn,
  UserPart,
} from "./conversation.ts";
import type { Losses } from "./loss.ts";

/*
 * Puts the turns of a conversation in the order that every provider takes, so that encoders may rely on it:
 *
 * 1. No part is an empty or blank text, and no turn is empty.
 * 2. Behind a turn with calls comes a user's turn that begins with one result for each of them, in the order of the calls.
 *    Results stand nowhere else.
 * 3. No instructions stand between calls and their results: they come after the results.
 * 4. Two turns of the same role do not follow each other, but for instructions.
 * 5. The conversation begins with a user's turn or with instructions.
 *
 * What clients send that is otherwise: results split over messages or behind other text; a call that was interrupted; results
 * whose call was trimmed away; blank blocks that a client kept of a cut reply.
 */
export function inOrder(conversation: Conversation, losses: Losses): Conversation {
  const clean = merged(conversation.turns.map(withoutBlanks).filter((turn) => turn.parts.length > 0));
  const turns = merged(withResults(clean, losses));
  const first = turns.find((turn) => turn.role !== "system");
  if (first?.role !== "assistant") return { ...conversation, turns };
  const opening: Turn = { role: "user", parts: [{ type: "text", text: openingText }] };
  return { ...conversation, turns: [opening, ...turns] };
}

/** Said where a conversation begins with an answer, which several providers do not take. */
const openingText = "(The conversation begins with your reply.)";
/** The result of a call that has none. */
const noResultText = "The call was interrupted; it has no result.";

function withoutBlanks(turn: Turn): Turn {
  if (turn.role === "assistant") return { ...turn, parts: turn.parts.filter((part) => !isBlank(part)) };
  if (turn.role === "system") return { ...turn, parts: turn.parts.filter((part) => !isBlank(part)) };
  return { ...turn, parts: turn.parts.filter((part) => !isBlank(part)).map(cleanResult) };
}

function isBlank(part: AssistantPart | UserPart): boolean {
  if (part.type === "thinking") return part.text === "" && part.state === undefined;
  return (part.type === "text" || part.type === "refusal") && part.text.trim() === "";
}

function cleanResult(part: UserPart): UserPart {
  return part.type === "tool_result" ? { ...part, parts: part.parts.filter((each) => !isBlank(each)) } : part;
}

function merged(turns: readonly Turn[]): readonly Turn[] {
  const out: Turn[] = [];
  for (const turn of turns) {
    const last = out.at(-1);
    if (last?.role === "user" && turn.role === "user")
      out[out.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] };
    else if (last?.role === "assistant" && turn.role === "assistant")
      out[out.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] };
    else out.push(turn);
  }
  return out;
}

/** Behind each turn with calls, their results, wherever they stood up to the next turn of the assistant's. */
function withResults(turns: readonly Turn[], losses: Losses): readonly Turn[] {
  const out: Turn[] = [];
  for (let index = 0; index < turns.length; index++) {
    const turn = turns[index];
    if (turn === undefined) continue;
    if (turn.role !== "assistant") {
      out.push(...withoutResults([turn], losses));
      continue;
    }
    const following: (Turn & { readonly role: "user" | "system" })[] = [];
    for (let next = turns[index + 1]; next !== undefined && next.role !== "assistant"; next = turns[index + 1]) {
      following.push(next);
      index++;
    }
    out.push(turn, ...answered(turn, following, losses));
  }
  return out;
}

function answered(
  turn: AssistantTurn,
  following: readonly (Turn & { readonly role: "user" | "system" })[],
  losses: Losses,
): readonly Turn[] {
  const calls = turn.parts.filter((part) => part.type === "tool_call");
  if (calls.length === 0) return withoutResults(following, losses);
  const given = following.flatMap((each) => (each.role === "user" ? each.parts : []));
  const results = given.filter((part) => part.type === "tool_result");
  const isLast = following.length === 0;
  if (isLast) return []; // the calls are what is asked to be gone on with; nothing can be said of their results
  const inTurn = calls.map((call) => results.find(({ callId }) => callId === call.id) ?? noResult(call, losses));
  const used = new Set<UserPart>(inTurn);
  const rest = following.map((each) => {
    return each.role === "system" ? each : { ...each, parts: each.parts.filter((part) => !used.has(part)) };
  });
  const [first, ...later] = withoutResults(rest, losses);
  if (first?.role === "user") return [{ role: "user", parts: [...inTurn, ...first.parts] }, ...later];
  return [{ role: "user", parts: inTurn }, ...(first === undefined ? [] : [first]), ...later];
}

function noResult({ id, kind }: ToolCallPart, losses: Losses): ToolResultPart {
  losses.changed(`tool call ${id}`, "it has no result; the model is told that it was interrupted");
  return { type: "tool_result", callId: id, kind, parts: [{ type: "text", text: noResultText }], isError: true };
}

/** Results that no call asked for are said as text, so that nothing the model was told is lost. */
function withoutResults(
  turns: readonly (Turn & { readonly role: "user" | "system" })[],
  losses: Losses,
): readonly (Turn & { readonly role: "user" | "system" })[] {
  return turns
    .map((turn): SystemTurn | (Turn & { readonly role: "user" }) => {
      if (turn.role === "system" || turn.parts.every((part) => part.type !== "tool_result")) return turn;
      return {
        ...turn,
        parts: turn.parts.flatMap((part) => (part.type === "tool_result" ? asText(part, losses) : part)),
      };
    })
    .filter((turn) => turn.parts.length > 0);
}

function asText({ callId, parts }: ToolResultPart, losses: Losses): readonly UserPart[] {
  losses.changed(`tool result ${callId}`, "there is no call before it; it is told as text");
  return parts;
}
