import type { AssistantPart, JsonObject, ReasoningState, Tool } from "../canonical/conversation.ts";
import type { ReplyContext } from "../codec.ts";
import { annotationsOf } from "./encode-content.ts";

/*
 * The items of a response's output, as they are when they are whole. Their ids are made of the request's and of their place.
 */

export type AnswerPart = AssistantPart & { readonly type: "text" | "refusal" };
export type CallPart = AssistantPart & { readonly type: "tool_call" };

/** How an item's id begins tells clients what it is. */
const prefixes = { message: "msg", reasoning: "rs", function: "fc", custom: "ctc" } as const;

export function itemId(kind: keyof typeof prefixes, context: ReplyContext, index: number): string {
  return `${prefixes[kind]}_${context.requestId}_${index}`;
}

export function messageItem(id: string, content: readonly JsonObject[]): JsonObject {
  return { id, type: "message", status: "completed", role: "assistant", content };
}

export function contentPart(part: AnswerPart): JsonObject {
  if (part.type === "refusal") return { type: "refusal", refusal: part.text };
  return {
    type: "output_text",
    text: part.text,
    annotations: annotationsOf(part.citations ?? [], part.text.length),
    logprobs: [],
  };
}

/** Some clients send back no item without a state, and some providers want the text of their thoughts back. */
const nothing: ReasoningState = { dialect: "openai-chat", provider: "", data: "" };

export function reasoningItem(
  id: string,
  thought: string,
  state: ReasoningState | undefined,
  context: ReplyContext,
): JsonObject {
  return {
    id,
    type: "reasoning",
    summary: thought === "" ? [] : [{ type: "summary_text", text: thought }],
    encrypted_content: context.seal.seal(state ?? nothing),
  };
}

/** The tool as its caller knows it: in its namespace, if it has one. Arguments that are none are an empty object. */
export function callItem(id: string, call: CallPart, tools: readonly Tool[]): JsonObject {
  const within = tools.find((tool) => tool.name === call.name)?.within;
  const named = within === undefined ? { name: call.name } : { name: within.name, namespace: within.namespace };
  const head = { id, status: "completed", call_id: call.id, ...named };
  if (call.kind === "custom") return { ...head, type: "custom_tool_call", input: call.arguments };
  return { ...head, type: "function_call", arguments: call.arguments === "" ? "{}" : call.arguments };
}
