import type { AssistantPart, JsonObject, ToolCallPart, Turn } from "../canonical/conversation.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { Block } from "./cache-marks.ts";
import { type BlockContext, textBlock, userBlock } from "./encode-content.ts";
import { isNative } from "./encode-thinking.ts";

interface Message {
  readonly role: "user" | "assistant" | "system";
  readonly content: Block[];
}

/** The turns as messages; each has content, and no two of a user's or of the model's follow each other. */
export function messagesOf(turns: readonly Turn[], context: Omit<BlockContext, "path">): Message[] {
  const messages: Message[] = [];
  turns.forEach((turn, index) => {
    const message = messageOf(turn, { ...context, path: `turns[${index}]` });
    const last = messages.at(-1);
    if (last?.role === message.role) last.content.push(...message.content);
    else if (message.content.length > 0) messages.push(message);
  });
  return messages;
}

function messageOf(turn: Turn, context: BlockContext): Message {
  if (turn.role === "assistant") {
    return { role: turn.role, content: turn.parts.flatMap((part) => assistantBlock(part, context)) };
  }
  if (turn.role === "user") return { role: turn.role, content: turn.parts.map((part) => userBlock(part, context)) };
  if (context.traits.systemTurns) {
    return { role: turn.role, content: turn.parts.map((part) => textBlock(part, context)) };
  }
  context.losses.changed("system", "the model takes instructions between turns only as what the user says");
  const text = `[System instruction]\n${turn.parts.map((part) => part.text).join("\n\n")}`;
  const cache = turn.parts.findLast((part) => part.cache !== undefined)?.cache;
  return { role: "user", content: [context.marks.on({ type: "text", text }, cache)] };
}

function assistantBlock(part: AssistantPart, context: BlockContext): readonly Block[] {
  switch (part.type) {
    case "text":
      if (part.citations !== undefined)
        context.losses.dropped(`${context.path}.citations`, "the model is not told them");
      return [textBlock(part, context)];
    case "refusal":
      context.losses.changed(`${context.path}.refusal`, "it is told as text");
      return [{ type: "text", text: part.text }];
    case "tool_call":
      return [callBlock(part, context)];
    case "thinking": {
      const { state, text } = part;
      if (!isNative(state, context.provider)) return [];
      if (state.kind === "redacted") return [{ type: "redacted_thinking", data: state.data }];
      return [{ type: "thinking", thinking: text, signature: state.data }];
    }
  }
}

function callBlock(part: ToolCallPart, { losses, marks, path }: BlockContext): Block {
  const { id, name } = part;
  return marks.on({ type: "tool_use", id, name, input: inputOf(part, path, losses) }, part.cache);
}

function inputOf({ arguments: text }: ToolCallPart, path: string, losses: BlockContext["losses"]): JsonObject {
  const input = argumentsObject(text);
  if (input !== undefined) return input;
  losses.changed(`${path}.tool_call`, "its arguments are no JSON object; they are told as text");
  return { _raw: text };
}

/** The answer may be begun only with text that does not end in a space, and only where the model goes on with it. */
export function withEnd(messages: Message[], mayBegin: boolean, losses: BlockContext["losses"]): Message[] {
  const last = messages.at(-1);
  if (last?.role !== "assistant") return messages;
  if (!mayBegin) {
    losses.changed("messages", "the model does not go on with an answer that was begun; it is asked to continue");
    messages.push({ role: "user", content: [{ type: "text", text: "Continue." }] });
    return messages;
  }
  const block = last.content.at(-1);
  const text = block?.["text"];
  if (block !== undefined && typeof text === "string") block["text"] = text.trimEnd();
  return messages;
}
