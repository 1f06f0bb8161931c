import type {
  AssistantPart,
  AssistantTurn,
  JsonObject,
  TextPart,
  ThinkingPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
  UserPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { isStateOf } from "../canonical/state-seal.ts";
import { invalid } from "../canonical/wire.ts";
import type { TargetModel } from "../codec.ts";
import { encodeMark, isMarked } from "../openai-cache-mark.ts";
import { encodeAnswerText, encodePart } from "./encode-content.ts";

interface Writing {
  readonly target: TargetModel;
  readonly losses: Losses;
  /** `turns[3]` */
  readonly path: string;
}

/** The items of a conversation, in its order. */
export function encodeInput(turns: readonly Turn[], target: TargetModel, losses: Losses): readonly JsonObject[] {
  const last = turns.at(-1);
  if (last?.role === "assistant" && last.parts.at(-1)?.type === "text" && !target.traits.prefill) {
    losses.changed(`turns[${turns.length - 1}]`, "the answer does not go on where it stops; a new one follows it");
  }
  return turns.flatMap((turn, index) => encodeTurn(turn, { target, losses, path: `turns[${index}]` }));
}

function encodeTurn(turn: Turn, writing: Writing): readonly JsonObject[] {
  switch (turn.role) {
    case "system":
      return [encodeSystem(turn.parts.map((part) => part.text).join("\n\n"), writing)];
    case "user":
      return encodeUser(turn.parts, writing);
    case "assistant":
      return encodeAssistant(turn, writing);
  }
}

function encodeSystem(text: string, { target, losses, path }: Writing): JsonObject {
  if (target.traits.systemTurns) return messageItem("developer", [{ type: "input_text", text }]);
  losses.changed(path, "the model takes no instructions between turns; the user says them");
  return messageItem("user", [{ type: "input_text", text: `[System instruction]\n${text}` }]);
}

function messageItem(role: string, content: readonly JsonObject[]): JsonObject {
  return { type: "message", role, content };
}

/** Instructions before the first turn, as a message. */
export function encodeLeading(parts: readonly TextPart[], target: TargetModel, losses: Losses): JsonObject {
  return messageItem(
    "developer",
    parts.flatMap((part) => encodePart(part, { target, losses, path: "system" })),
  );
}

/** Results are items of their own, and what the user says is a message. */
function encodeUser(parts: readonly UserPart[], writing: Writing): readonly JsonObject[] {
  const results = parts.flatMap((part) => (part.type === "tool_result" ? [encodeResult(part, writing)] : []));
  const said = parts.flatMap((part) => (part.type === "tool_result" ? [] : encodePart(part, writing)));
  if (results.length === 0 && said.length === 0) {
    throw invalid(writing.path, "holds nothing that this model takes; ask one that takes images and files");
  }
  return said.length === 0 ? results : [...results, messageItem("user", said)];
}

function encodeResult(result: ToolResultPart, writing: Writing): JsonObject {
  const mark = encodeMark(result.cache, writing.target.traits.cacheField);
  const type = result.kind === "custom" ? "custom_tool_call_output" : "function_call_output";
  const content = result.parts.flatMap((part) => encodePart(part, writing));
  const isPlain = content.every((part) => part["type"] === "input_text" && !isMarked(part)) && !isMarked(mark);
  const told = markedLast(result.isError ? withErrorMark(content) : content, mark);
  const output = isPlain ? told.map((part) => part["text"]).join("\n") : told;
  return { type, call_id: result.callId, output };
}

function markedLast(content: readonly JsonObject[], mark: JsonObject): readonly JsonObject[] {
  return content.map((part, index) => (index === content.length - 1 ? { ...part, ...mark } : part));
}

/** The dialect has no other way to say that a tool has failed. */
function withErrorMark(content: readonly JsonObject[]): readonly JsonObject[] {
  const [first, ...rest] = content;
  const words = first?.["type"] === "input_text" ? String(first["text"]) : undefined;
  if (words === undefined) return [{ type: "input_text", text: "Error" }, ...content];
  return /^error\b/i.test(words) ? content : [{ type: "input_text", text: `Error: ${words}` }, ...rest];
}

/** Texts and refusals that follow each other are one message; reasoning stands before what it led to. */
function encodeAssistant({ parts }: AssistantTurn, { target }: Writing): readonly JsonObject[] {
  const items: JsonObject[] = [];
  let content: JsonObject[] = [];
  const close = (): void => {
    if (content.length > 0) items.push(messageItem("assistant", content));
    content = [];
  };
  const lastItem = parts.findLastIndex((part) => part.type !== "thinking");
  for (const [index, part] of parts.entries()) {
    if (part.type === "text" || part.type === "refusal") {
      content.push(encodeAnswerText(part));
      continue;
    }
    const item =
      part.type === "tool_call" ? encodeCall(part) : index < lastItem ? encodeThinking(part, target) : undefined;
    if (item === undefined) continue;
    close();
    items.push(item);
  }
  close();
  return items;
}

function encodeCall({ id, kind, name, arguments: text }: ToolCallPart & AssistantPart): JsonObject {
  if (kind === "custom") return { type: "custom_tool_call", call_id: id, name, input: text };
  return { type: "function_call", call_id: id, name, arguments: text === "" ? "{}" : text };
}

/** Only what this provider has made means anything to it. */
function encodeThinking({ text, state }: ThinkingPart, { provider }: TargetModel): JsonObject | undefined {
  if (state === undefined || state.data === "" || !isStateOf(state, "openai-responses", provider)) return undefined;
  return {
    type: "reasoning",
    ...(state.id !== undefined && { id: state.id }),
    summary: text === "" ? [] : [{ type: "summary_text", text }],
    encrypted_content: state.data,
  };
}
