import type { AssistantPart, JsonObject, ReasoningState, TextPart } from "../canonical/conversation.ts";
import type { Finish, Reply, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { ReplyOrigin } from "../codec.ts";
import { text } from "../counter.ts";
import { citationsOf, textsIn } from "./decode-content.ts";
import { failureOfError } from "./decode-failure.ts";
import { responsesTokens } from "./usage.ts";

export function decodeReply(body: JsonObject, { provider }: ReplyOrigin): Reply | UpstreamFailure {
  const failure = failureIn(body);
  if (failure !== undefined) return failure;
  const { output } = body;
  if (!Array.isArray(output)) return notOfThisDialect(body);
  const parts = output.filter(isObject).flatMap((item) => partsOf(item, provider));
  const id = text(body, "id");
  return {
    ...(id !== undefined && { id }),
    parts,
    finish: finishOf(body, parts),
    usage: responsesTokens(body["usage"]),
  };
}

/** What a reply says went wrong with it; undefined for one that is good. */
export function failureIn(body: JsonObject): UpstreamFailure | undefined {
  const { error, status } = body;
  if (error !== undefined && error !== null) return failureOfError(error);
  if (status === "failed") return { kind: "server", status: 200, message: "the response has failed" };
  const isOpen = status === "cancelled" || status === "queued" || status === "in_progress";
  return isOpen ? { kind: "broken", status: 200, message: `the response is ${String(status)}` } : undefined;
}

/** A provider that is set to this dialect and answers in another is a mistake of whoever set it up. */
export function notOfThisDialect(body: JsonObject): UpstreamFailure {
  const isChat = text(body, "object")?.startsWith("chat.completion") === true || Array.isArray(body["choices"]);
  const what = isChat ? "a chat completion; its dialect is openai-chat" : "no response of this dialect";
  return { kind: "broken", status: 200, message: `the reply is ${what}` };
}

/** Why a response ended that has not failed. */
export function finishOf(body: JsonObject, parts: readonly AssistantPart[]): Finish {
  const reason = text(body["incomplete_details"], "reason");
  if (reason === "max_output_tokens") return { reason: "length" };
  if (reason === "content_filter") return { reason: "refusal" };
  if (parts.some((part) => part.type === "tool_call")) return { reason: "tool_calls" };
  if (parts.some((part) => part.type === "refusal")) return { reason: "refusal" };
  return { reason: body["status"] === "incomplete" ? "pause" : "end" };
}

/** What an item of the output says. Of tools that the provider runs, nothing was asked for. */
export function partsOf(item: JsonObject, provider: string): readonly AssistantPart[] {
  switch (item["type"]) {
    case "message":
      return Array.isArray(item["content"]) ? item["content"].flatMap((part) => partOf(part) ?? []) : [];
    case "reasoning":
      return thinkingOf(item, provider);
    case "function_call":
    case "custom_tool_call":
      return [callOf(item)];
    default:
      return [];
  }
}

function partOf(part: unknown): AssistantPart | undefined {
  const refusal = text(part, "refusal");
  if (refusal !== undefined) return { type: "refusal", text: refusal };
  const content = text(part, "text");
  return content === undefined ? undefined : textPart(content, part);
}

function textPart(content: string, part: unknown): TextPart {
  const citations = citationsOf(isObject(part) ? part["annotations"] : undefined);
  return { type: "text", text: content, ...(citations.length > 0 && { citations }) };
}

function thinkingOf(item: JsonObject, provider: string): readonly AssistantPart[] {
  const state = stateOf(item, provider);
  const thought = thoughtOf(item);
  if (thought === "" && state === undefined) return [];
  return [{ type: "thinking", text: thought, ...(state !== undefined && { state }) }];
}

/** Its summary, or what it thought where there is none, as open models tell it. */
export function thoughtOf(item: JsonObject): string {
  const summary = textsIn(item["summary"]);
  return (summary.length > 0 ? summary : textsIn(item["content"])).join("\n\n");
}

/** What the provider wants back to go on from there. */
export function stateOf(item: JsonObject, provider: string): ReasoningState | undefined {
  const data = text(item, "encrypted_content");
  if (data === undefined) return undefined;
  const id = text(item, "id");
  return { dialect: "openai-responses", provider, data, ...(id !== undefined && { id }) };
}

function callOf(item: JsonObject): AssistantPart {
  const kind = item["type"] === "custom_tool_call" ? "custom" : "function";
  return { type: "tool_call", id: callIdIn(item), name: callName(item), kind, arguments: callText(item) };
}

export function callIdIn(item: JsonObject): string {
  return text(item, "call_id") ?? text(item, "id") ?? "";
}

/** No tool was offered in a namespace, but some models put them into one, or each into one of its own name. */
export function callName(item: JsonObject): string {
  const name = text(item, "name") ?? "";
  const namespace = text(item, "namespace") ?? "functions";
  return namespace === "functions" || namespace === name || name === "" ? name : `${namespace}__${name}`;
}

/** The arguments or the input of a call; some servers send an object where a text belongs. */
export function callText(item: JsonObject): string {
  const given = item["type"] === "custom_tool_call" ? item["input"] : item["arguments"];
  if (typeof given === "string") return given;
  return isObject(given) ? JSON.stringify(given) : "";
}
