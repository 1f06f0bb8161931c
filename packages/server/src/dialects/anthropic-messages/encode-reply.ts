import { AppError } from "../../kernel/errors.ts";
import type { AssistantPart, JsonObject, ThinkingPart, ToolCallPart } from "../canonical/conversation.ts";
import { withoutCutCall } from "../canonical/cut-call.ts";
import type { Reply } from "../canonical/reply.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext } from "../codec.ts";
import type { ThinkingDisplay } from "./decode-thinking.ts";
import { estimatedUsage, messageUsage } from "./encode-usage.ts";
import { hiddenSignature, signatureOf } from "./hidden-thinking.ts";
import { stopFields } from "./stop-reasons.ts";

export function encodeReply(reply: Reply, context: ReplyContext): JsonObject {
  const content = contentOf(withoutCutCall(reply), context);
  if (reply.finish.reason === "malformed_call" && content.length === 0) throw broken();
  const hasRefusal = reply.parts.some((part) => part.type === "refusal");
  const characters = reply.parts.reduce((sum, part) => sum + lengthOf(part), 0);
  return {
    ...messageHead(context),
    content,
    ...stopFields(reply.finish, hasRefusal),
    container: null,
    diagnostics: null,
    usage: messageUsage(reply.usage ?? estimatedUsage(context.estimatedInput, characters)),
  };
}

/** What a message begins with, whole or streamed. */
export function messageHead({ model, requestId }: ReplyContext): JsonObject {
  return { model, id: `msg_${requestId.replace(/^req_/, "")}`, type: "message", role: "assistant" };
}

export function displayIn({ echo }: ReplyContext): ThinkingDisplay {
  const { thinking } = echo;
  return thinking === "omitted" || thinking === "off" ? thinking : "shown";
}

function lengthOf(part: AssistantPart): number {
  return part.type === "tool_call" ? part.arguments.length : part.text.length;
}

/** Reasoning that the caller did not ask for is there only before a call, whose provider may want it back. */
function contentOf(parts: readonly AssistantPart[], context: ReplyContext): readonly JsonObject[] {
  const display = displayIn(context);
  const content: JsonObject[] = [];
  let held: ThinkingPart[] = [];
  for (const part of parts) {
    if (part.type === "thinking" && part.text === "" && part.state === undefined) continue;
    if (part.type === "thinking" && display === "off") {
      held.push(part);
      continue;
    }
    if (part.type === "tool_call") {
      for (const thought of held) content.push(thinkingBlock(thought, false, context.seal));
      held = [];
    }
    const block = blockOf(part, display === "shown", context.seal);
    if (block !== undefined) content.push(block);
  }
  return content;
}

function blockOf(part: AssistantPart, isShown: boolean, seal: StateSeal): JsonObject | undefined {
  if (part.type === "thinking") return thinkingBlock(part, isShown, seal);
  if (part.type === "tool_call") return callBlock(part);
  return part.text === "" ? undefined : { type: "text", text: part.text };
}

export function thinkingBlock(part: ThinkingPart, isShown: boolean, seal: StateSeal): JsonObject {
  const { state, text } = part;
  if (text === "" && state?.kind === "redacted") return { type: "redacted_thinking", data: seal.seal(state) };
  if (!isShown) return { type: "thinking", thinking: "", signature: hiddenSignature(part, seal) };
  return { type: "thinking", thinking: text, signature: signatureOf(state, seal) };
}

function callBlock({ id, name, kind, arguments: text }: ToolCallPart): JsonObject {
  const input = kind === "custom" ? { input: text } : argumentsObject(text);
  if (input === undefined) throw broken();
  return { type: "tool_use", id, name, input };
}

/** Of a call that is none. */
export function broken(): AppError {
  return new AppError("upstream_broke", { provider: "the provider" });
}
