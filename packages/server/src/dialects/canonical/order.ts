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
 * 6. No two calls have the same id, and none an empty one.
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
  return runsOf(turns).flatMap((run): readonly Turn[] => {
    const [first] = run;
    if (first === undefined || run.length === 1 || first.role === "system") return run;
    const parts = run.flatMap((turn): readonly (AssistantPart | UserPart)[] => turn.parts);
    return [{ ...first, parts } as Turn]; // parts of turns of one role
  });
}

/** Neighbours of the same role; all at once, because a caller may send very many. */
function runsOf(turns: readonly Turn[]): readonly (readonly Turn[])[] {
  const runs: Turn[][] = [];
  for (const turn of turns) {
    const last = runs.at(-1);
    if (last?.[0]?.role === turn.role) last.push(turn);
    else runs.push([turn]);
  }
  return runs;
}

/** Behind each turn with calls, their results, wherever they stood up to the next turn of the assistant's. */
function withResults(turns: readonly Turn[], losses: Losses): readonly Turn[] {
  const out: Turn[] = [];
  const ids = new CallIds();
  for (let index = 0; index < turns.length; index++) {
    const turn = turns[index];
    if (turn === undefined) continue;
    if (turn.role !== "assistant") {
      out.push(...withoutResults([turn], losses));
      continue;
    }
    const following: Following[] = [];
    for (let next = turns[index + 1]; next !== undefined && next.role !== "assistant"; next = turns[index + 1]) {
      following.push(next);
      index++;
    }
    out.push(...answered(turn, following, ids, losses));
  }
  return out;
}

type Following = Turn & { readonly role: "user" | "system" };

/** A turn and what follows it, its results in front. Each result answers the first call of its id that has none yet. */
function answered(turn: AssistantTurn, following: readonly Following[], ids: CallIds, losses: Losses): readonly Turn[] {
  const given = resultsById(following);
  const used = new Set<UserPart>();
  const results: ToolResultPart[] = [];
  const parts = turn.parts.map((part) => {
    if (part.type !== "tool_call") return part;
    const result = given.get(part.id)?.next().value;
    if (result !== undefined) used.add(result);
    const id = ids.unique(part.id);
    results.push(result === undefined ? noResult({ ...part, id }, losses) : { ...result, callId: id });
    return id === part.id ? part : { ...part, id };
  });
  if (results.length === 0) return [turn, ...withoutResults(following, losses)];
  const rest = following.map((each) => {
    return each.role === "system" ? each : { ...each, parts: each.parts.filter((part) => !used.has(part)) };
  });
  return [{ ...turn, parts }, { role: "user", parts: results }, ...withoutResults(rest, losses)];
}

/** The results that are left for each id, in their order. */
function resultsById(following: readonly Following[]): ReadonlyMap<string, Iterator<ToolResultPart, undefined>> {
  const given = following.flatMap((each) => (each.role === "user" ? each.parts : []));
  const byId = Map.groupBy(
    given.filter((part) => part.type === "tool_result"),
    ({ callId }) => callId,
  );
  return new Map([...byId].map(([id, results]) => [id, results.values()]));
}

/**
 * Ids that some providers refuse if two calls of a conversation have them, and some clients count anew in each turn or leave
 * empty. A second one is told apart by its place among its like, so that it is the same in the next request.
 */
class CallIds {
  readonly #used = new Set<string>();
  /** How many of an id there were, so that the next does not try all their names again. */
  readonly #counts = new Map<string, number>();

  unique(id: string): string {
    let unique = id;
    let count = this.#counts.get(id) ?? 0;
    while (unique === "" || this.#used.has(unique)) unique = `${id === "" ? "call" : id}_${++count}`;
    this.#counts.set(id, count);
    this.#used.add(unique);
    return unique;
  }
}

function noResult({ id, kind }: ToolCallPart, losses: Losses): ToolResultPart {
  losses.changed(`tool call ${id}`, "it has no result; the model is told that it was interrupted");
  return { type: "tool_result", callId: id, kind, parts: [{ type: "text", text: noResultText }], isError: true };
}

/** Results that no call asked for are said as text, so that nothing the model was told is lost. */
function withoutResults(turns: readonly Following[], losses: Losses): readonly Following[] {
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
