import type { JsonObject, ReasoningState, ThinkingPart } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import { piecesOfContent } from "./content-pieces.ts";
import { hasState, textOfDetails } from "./reasoning-details.ts";
import { isOwnDetail, rangeOf } from "./sealed-details.ts";

/*
 * The reasoning in a message that an assistant said earlier. Its text is all in one field; the states lie in
 * `reasoning_details`, or beside the call that they belong to, and clients keep the one, the other or both.
 *
 * A state of ours in the details says which piece of the text is its own. Where that cannot be (clients that put streams
 * together wrongly keep only the last piece), no text is given to any. Where a client kept states beside calls only, the text is
 * taken for the first one's, unless something was said between them.
 */
export interface EarlierReasoning {
  /** Before all else that the message says. */
  readonly first: readonly ThinkingPart[];
  /** Directly before a call, by its number. */
  readonly beforeCalls: ReadonlyMap<number, ThinkingPart>;
}

interface Piece {
  readonly text: string;
  readonly sealed: string | undefined;
}

export function decodeReasoning(message: JsonObject, path: string, seal: StateSeal, losses: Losses): EarlierReasoning {
  const details = listOf(message["reasoning_details"]);
  const own = details.filter(isOwnDetail);
  const foreign = details.filter((detail) => !isOwnDetail(detail));
  const said = saidIn(message) || textOfDetails(foreign);
  const signatures = signaturesOf(message);
  const listed = new Set(own.map((detail) => detail["data"]));
  const unlisted = [...signatures].filter(([sealed]) => !listed.has(sealed));
  const open = opener(seal, signatures, `${path}.reasoning_details`, losses);

  const first: ThinkingPart[] = [];
  const beforeCalls = new Map<number, ThinkingPart>();
  const pieces = piecesOf(said, own, saysText(message) ? undefined : unlisted[0]?.[0]);
  for (const { text: piece, sealed } of pieces) {
    const part = thinking(piece, sealed === undefined ? undefined : open(sealed));
    const call = sealed === undefined ? undefined : signatures.get(sealed);
    if (call === undefined) first.push(part);
    else beforeCalls.set(call, part);
  }
  for (const [sealed, call] of unlisted) {
    if (!beforeCalls.has(call)) beforeCalls.set(call, thinking("", open(sealed)));
  }
  return { first: withDetails(first, foreign), beforeCalls };
}

/** What stands beside a call and is no envelope of ours is a provider's own, which the caller has from elsewhere. */
function opener(
  seal: StateSeal,
  signatures: ReadonlyMap<string, number>,
  path: string,
  losses: Losses,
): (sealed: string) => ReasoningState | undefined {
  return (sealed) => {
    const state = seal.open(sealed);
    if (state === undefined && signatures.has(sealed))
      return { dialect: "openai-chat", provider: "", data: sealed, kind: "call" };
    if (state !== undefined && state !== "forged") return state;
    losses.dropped(path, "it is not as this gateway gave it; the model does not see that reasoning");
    return undefined;
  };
}

function saidIn(message: JsonObject): string {
  const field = text(message, "reasoning_content") ?? text(message, "reasoning");
  if (field !== undefined) return field;
  const pieces = piecesOfContent(message["content"]).filter(({ kind }) => kind === "thinking");
  return pieces.map((piece) => piece.text).join("");
}

function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** What stands beside the calls, with their numbers. */
function signaturesOf(message: JsonObject): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const [index, call] of listOf(message["tool_calls"]).entries()) {
    const sealed = text(call, "extra_content", "google", "thought_signature");
    if (sealed !== undefined && !found.has(sealed)) found.set(sealed, index);
  }
  return found;
}

function saysText({ content }: JsonObject): boolean {
  return piecesOfContent(content).some(({ kind, text: said }) => kind !== "thinking" && said.trim() !== "");
}

/** The text, cut at the places that the details name; what no detail claims is a piece without a state. */
function piecesOf(said: string, own: readonly JsonObject[], firstBesideCall: string | undefined): readonly Piece[] {
  if (own.length === 0)
    return said === "" && firstBesideCall === undefined ? [] : [{ text: said, sealed: firstBesideCall }];
  const ranges = own.map(rangeOf);
  if (ranges.every((range) => range === undefined)) {
    return own.map((detail, index) => ({ text: index === 0 ? said : "", sealed: text(detail, "data") }));
  }
  const pieces: Piece[] = [];
  let cursor = 0;
  for (const [index, detail] of own.entries()) {
    const { start, end } = ranges[index] ?? { start: cursor, end: cursor };
    if (start < cursor || end > said.length) return own.map((each) => ({ text: "", sealed: text(each, "data") }));
    pieces.push({ text: said.slice(cursor, start).trim(), sealed: undefined });
    pieces.push({ text: said.slice(start, end), sealed: text(detail, "data") });
    cursor = end;
  }
  return [...pieces, { text: said.slice(cursor).trim(), sealed: undefined }];
}

/** A state that stands for nothing (it was made so that a client keeps the text) is none. */
function thinking(text: string, state: ReasoningState | undefined): ThinkingPart {
  return state === undefined || state.data === "" ? { type: "thinking", text } : { type: "thinking", text, state };
}

/** Details that the caller has from elsewhere are one state, of the text that has none. */
function withDetails(parts: readonly ThinkingPart[], foreign: readonly JsonObject[]): readonly ThinkingPart[] {
  const known = parts.filter((part) => part.text !== "" || part.state !== undefined);
  if (!foreign.some(hasState)) return known;
  const state = { dialect: "openai-chat", provider: "", kind: "details", data: JSON.stringify(foreign) } as const;
  const bare = known.findIndex((part) => part.state === undefined);
  if (bare < 0) return [...known, { type: "thinking", text: "", state }];
  return known.map((part, index) => (index === bare ? { ...part, state } : part));
}
