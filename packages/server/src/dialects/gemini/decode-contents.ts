import type { AssistantPart, TextPart, Turn, UserPart } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import { invalid, listAt, objectAt, optionalText } from "../canonical/wire.ts";
import { CallIds } from "./call-ids.ts";
import { decodeModelPart, type ModelContext } from "./decode-model-parts.ts";
import { decodeUserPart } from "./decode-parts.ts";
import { camelNames } from "./field-names.ts";

/**
 * The turns of the conversation. The role `function` is what results had before they were the user's. Clients keep each chunk of a
 * stream as a content of its own: what the model said in several, one after the other, is one turn.
 */
export function decodeContents(contents: unknown, seal: StateSeal, losses: Losses): readonly Turn[] {
  const calls = new CallIds();
  const turns: Turn[] = [];
  for (const [index, content] of listAt(contents, "contents").entries()) {
    const last = turns.at(-1);
    const before = last?.role === "assistant" ? last.parts : undefined;
    const turn = decodeContent(content, { seal, losses, calls, turn: index, before, path: `contents[${index}]` });
    if (before !== undefined && turn.role === "assistant") turns.pop();
    turns.push(turn);
  }
  if (turns.every((turn) => turn.parts.length === 0)) throw invalid("contents", "must have a part");
  return turns;
}

export interface ContentContext {
  readonly seal: StateSeal;
  readonly losses: Losses;
  readonly calls: CallIds;
  readonly turn: number;
  /** What the model said in the contents just before, if it did. */
  readonly before: readonly AssistantPart[] | undefined;
  readonly path: string;
}

function decodeContent(content: unknown, context: ContentContext): Turn {
  const { path } = context;
  const { role, parts } = camelNames(objectAt(content, path));
  const list = listAt(parts ?? [], `${path}.parts`);
  const name = optionalText(role, `${path}.role`) ?? "user";
  if (name === "model") return { role: "assistant", parts: modelParts(list, context) };
  if (name !== "user" && name !== "function" && name !== "") throw invalid(`${path}.role`, 'must be "user" or "model"');
  const decoded = list.flatMap((part, index): readonly UserPart[] => {
    return decodeUserPart(part, { ...context, path: `${path}.parts[${index}]` });
  });
  return { role: "user", parts: decoded };
}

function modelParts(list: readonly unknown[], context: ContentContext): readonly AssistantPart[] {
  if (context.before === undefined) context.calls.startTurn();
  const model: ModelContext = { ...context, parts: [...(context.before ?? [])], calledHere: 0 };
  for (const [index, part] of list.entries()) decodeModelPart(part, `${context.path}.parts[${index}]`, model);
  return model.parts;
}

/** Instructions, which may come as a content of any role, or as a text alone. */
export function decodeSystem(instruction: unknown, losses: Losses): readonly TextPart[] {
  if (instruction === undefined || instruction === null) return [];
  if (typeof instruction === "string") return [{ type: "text", text: instruction }];
  const { parts } = camelNames(objectAt(instruction, "systemInstruction"));
  const list = Array.isArray(parts) ? (parts as readonly unknown[]) : parts === undefined ? [] : [parts];
  return list.flatMap((part, index): readonly TextPart[] => {
    const path = `systemInstruction.parts[${index}]`;
    const { text } = objectAt(part, path);
    if (typeof text === "string") return [{ type: "text", text }];
    losses.dropped(path, "instructions are texts");
    return [];
  });
}
