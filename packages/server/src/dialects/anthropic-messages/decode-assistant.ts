import type { AssistantPart, JsonObject, TextPart, ThinkingPart, ToolCallPart } from "../canonical/conversation.ts";
import { invalid, isObject, optionalText, present, textAt } from "../canonical/wire.ts";
import { citationsOf } from "./citations.ts";
import { marked } from "./decode-marks.ts";
import { asText, type PartContext } from "./decode-parts.ts";
import { partOf } from "./hidden-thinking.ts";

/** The parts of an answer that the caller's client kept. */
export function assistantParts(block: JsonObject, path: string, context: PartContext): readonly AssistantPart[] {
  const type = textAt(block["type"], `${path}.type`);
  switch (type) {
    case "text":
      return [textOf(block, path)];
    case "thinking":
      return thinkingOf(optionalText(block["thinking"], `${path}.thinking`) ?? "", block["signature"], path, context);
    case "redacted_thinking":
      return redactedOf(textAt(block["data"], `${path}.data`), path, context);
    case "tool_use":
      return [callOf(block, path)];
    case "server_tool_use":
    case "mcp_tool_use":
    case "fallback":
      // Its result, or the text behind it, tells what it was for.
      context.losses.changed(path, `a \`${type}\` is left out; what came of it is told`);
      return [];
    default:
      return asText(block, type, path, context.losses).map(setApart);
  }
}

/** Texts that follow each other are one that was cut somewhere, and this is none of them. */
function setApart({ text, ...same }: TextPart): TextPart {
  return { ...same, text: `\n${text}\n\n` };
}

function textOf(block: JsonObject, path: string): TextPart {
  const text = textAt(block["text"], `${path}.text`);
  return { type: "text", text, ...present({ citations: citationsOf(block["citations"]) }), ...marked(block, path) };
}

/** The signature is one of ours around another provider's state, or Anthropic's own. */
function thinkingOf(text: string, signature: unknown, path: string, context: PartContext): readonly ThinkingPart[] {
  if (typeof signature !== "string" || signature === "") return text === "" ? [] : [{ type: "thinking", text }];
  const part = partOf(text, signature, context.seal) ?? nativePart(text, signature);
  if (part !== "forged") return isEmpty(part) ? [] : [part];
  context.losses.dropped(`${path}.signature`, "it was not made by this gateway, or its key was replaced since");
  return text === "" ? [] : [{ type: "thinking", text }];
}

function isEmpty(part: ThinkingPart): boolean {
  return part.text === "" && part.state === undefined;
}

function nativePart(text: string, data: string): ThinkingPart {
  return { type: "thinking", text, state: { dialect: "anthropic-messages", provider: "", data } };
}

function redactedOf(data: string, path: string, context: PartContext): readonly ThinkingPart[] {
  const part = partOf("", data, context.seal);
  if (part === undefined) {
    const state = { dialect: "anthropic-messages", provider: "", data, kind: "redacted" } as const;
    return data === "" ? [] : [{ type: "thinking", text: "", state }];
  }
  if (part !== "forged") return isEmpty(part) ? [] : [part];
  context.losses.dropped(`${path}.data`, "it was not made by this gateway, or its key was replaced since");
  return [];
}

/** The input is an object; a text is what a client kept of one that was broken. */
function callOf(block: JsonObject, path: string): ToolCallPart {
  const id = textAt(block["id"], `${path}.id`);
  const name = textAt(block["name"], `${path}.name`);
  return {
    type: "tool_call",
    id,
    name,
    kind: "function",
    arguments: argumentsOf(block["input"], path),
    ...marked(block, path),
  };
}

function argumentsOf(input: unknown, path: string): string {
  if (input === undefined || input === null) return "{}";
  if (typeof input === "string") return input;
  if (isObject(input)) return JSON.stringify(input);
  throw invalid(`${path}.input`, "must be an object");
}
