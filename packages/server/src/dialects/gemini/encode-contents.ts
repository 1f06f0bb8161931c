import type { AssistantTurn, JsonObject, SystemTurn, ToolCallPart, Turn, UserTurn } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { TargetModel } from "../codec.ts";
import { encodeModelParts, isSignedBy } from "./encode-model-parts.ts";
import { encodeUserParts } from "./encode-parts.ts";

export interface Content {
  readonly role: "user" | "model";
  readonly parts: JsonObject[];
}

/** The turns as contents, of which no two of the same role follow each other, and the last is the user's or may be gone on with. */
export function encodeContents(turns: readonly Turn[], target: TargetModel, losses: Losses): readonly Content[] {
  const contents: Content[] = [];
  const calls = new KnownCalls(target.provider);
  const signsFrom = target.traits.thinking === "level" ? newestTask(turns) : turns.length;
  for (const [index, turn] of turns.entries()) {
    const path = `turns[${index}]`;
    const content = encodeTurn(turn, { target, losses, calls, path, wantsSignature: index >= signsFrom });
    const last = contents.at(-1);
    if (last !== undefined && last.role === content.role) last.parts.push(...content.parts);
    else if (content.parts.length > 0) contents.push(content);
  }
  if (contents.at(-1)?.role === "model" && !target.traits.prefill) {
    losses.changed("messages", "the model does not go on with an answer that was begun; it is asked to continue");
    contents.push({ role: "user", parts: [{ text: "Continue." }] });
  }
  return contents;
}

export interface TurnContext {
  readonly target: TargetModel;
  readonly losses: Losses;
  readonly calls: KnownCalls;
  readonly path: string;
  /** Whether the model refuses calls here that nobody signed. */
  readonly wantsSignature: boolean;
}

/**
 * The turns since the user last said anything but what tools returned: only their signatures are looked at. Said means text, the
 * one thing that Google names; where a file alone begins a task too, a waiver more does no harm. What is said behind results goes
 * into one content with them, and counts as they do.
 */
function newestTask(turns: readonly Turn[]): number {
  let task = -1;
  for (let index = turns.length - 1; index >= 0; index--) {
    const turn = turns[index];
    if (turn?.role === "assistant" && task >= 0) return task;
    if (turn?.role !== "user") continue;
    if (turn.parts[0]?.type === "tool_result") task = -1;
    else if (turn.parts.some((part) => part.type === "text" && part.text !== "")) task = index;
  }
  return task;
}

function encodeTurn(turn: Turn, context: TurnContext): Content {
  if (turn.role === "system") return { role: "user", parts: [systemPart(turn, context)] };
  if (turn.role === "user") return { role: "user", parts: userParts(turn, context) };
  return { role: "model", parts: modelParts(turn, context) };
}

/** Google knows instructions only at the beginning, where a later change would cost the cache. */
function systemPart({ parts }: SystemTurn, { losses }: TurnContext): JsonObject {
  losses.changed("system", "the model takes instructions between turns only as what the user says");
  return { text: `[System instruction]\n${parts.map((part) => part.text).join("\n\n")}` };
}

function userParts(turn: UserTurn, context: TurnContext): JsonObject[] {
  return [...encodeUserParts(turn.parts, context)];
}

function modelParts(turn: AssistantTurn, context: TurnContext): JsonObject[] {
  context.calls.add(turn);
  return encodeModelParts(turn.parts, context);
}

/**
 * The calls before a result, which is told by the function's name. An id is repeated only if it is the provider's own: others
 * give none, and some of its places do not know the field.
 */
export class KnownCalls {
  readonly #provider: string;
  readonly #names = new Map<string, string>();
  readonly #native = new Set<string>();

  constructor(provider: string) {
    this.#provider = provider;
  }

  add({ parts }: AssistantTurn): void {
    const isNative = parts.some((part) => part.type === "thinking" && isSignedBy(part, this.#provider));
    for (const part of parts) {
      if (part.type !== "tool_call") continue;
      this.#names.set(part.id, part.name);
      if (isNative && !isOurs(part)) this.#native.add(part.id);
    }
  }

  nameOf(id: string): string {
    return this.#names.get(id) ?? "unknown";
  }

  /** The id, if it is to be told. */
  told(id: string): string | undefined {
    return this.#native.has(id) ? id : undefined;
  }
}

/** Calls that come without an id get one that begins so. */
function isOurs({ id }: ToolCallPart): boolean {
  return id.startsWith("call_");
}
