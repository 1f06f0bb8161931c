import type { AssistantPart, Citation, JsonObject, ToolCallPart } from "../canonical/conversation.ts";
import type { Finish, Reply } from "../canonical/reply.ts";
import { present } from "../canonical/wire.ts";
import type { ReplyContext } from "../codec.ts";
import { annotationsOf } from "./citations.ts";
import { type Echo, readEcho } from "./echo.ts";
import { encodeCall } from "./encode-messages.ts";
import { encodeFinish } from "./finish.ts";
import { sealedDetail } from "./sealed-details.ts";
import { usageObject } from "./usage-object.ts";

/** Arguments that are no JSON stay as they are: they are a text here, and whoever runs the tool sees it. */
export function encodeReply(reply: Reply, context: ReplyContext): JsonObject {
  const echo = readEcho(context.echo);
  return {
    id: `chatcmpl-${context.requestId}`,
    object: "chat.completion",
    created: context.createdAt,
    model: context.model,
    choices: [
      {
        index: 0,
        message: messageOf(reply, context, echo),
        logprobs: null,
        finish_reason: encodeFinish(reply.finish, echo.callsFunction),
      },
    ],
    ...present({ usage: reply.usage && usageObject(reply.usage) }),
  };
}

function messageOf(
  { parts, finish }: Reply,
  context: ReplyContext,
  { callsFunction, hidesReasoning }: Echo,
): JsonObject {
  const { text, annotations } = saidIn(parts);
  const { thought, details, besideCalls } = thoughtIn(parts, context);
  const calls = parts
    .filter((part) => part.type === "tool_call")
    .map((call) => encodeCall(call, callsFunction ? undefined : besideCalls.get(call)));
  const refusal = refusalIn(parts, text === "" && calls.length === 0 ? whyRefused(finish) : "");
  return {
    role: "assistant",
    content: text === "" && (calls.length > 0 || refusal !== "") ? null : text,
    refusal: refusal || null,
    ...(annotations.length > 0 && { annotations }),
    ...(thought !== "" && !hidesReasoning && { reasoning_content: thought }),
    ...(details.length > 0 && { reasoning_details: details }),
    ...(calls.length > 0 && (callsFunction ? { function_call: calls[0]?.["function"] } : { tool_calls: calls })),
  };
}

function refusalIn(parts: readonly AssistantPart[], unsaid: string): string {
  return parts.map((part) => (part.type === "refusal" ? part.text : "")).join("") || unsaid;
}

/** The provider's own words, where the model said none. */
export function whyRefused({ reason, detail }: Finish): string {
  return reason === "refusal" ? (detail ?? "") : "";
}

/** Texts that something stands between are set apart. */
function saidIn(parts: readonly AssistantPart[]): {
  readonly text: string;
  readonly annotations: readonly JsonObject[];
} {
  let text = "";
  let isApart = false;
  const annotations: JsonObject[] = [];
  for (const part of parts) {
    if (part.type === "text") {
      if (text !== "" && isApart) text += "\n\n";
      annotations.push(...annotationsOf(citationsIn(part), text.length, part.text.length));
      text += part.text;
    }
    isApart = part.type !== "text";
  }
  return { text, annotations };
}

function citationsIn({ citations }: { readonly citations?: readonly Citation[] }): readonly Citation[] {
  return citations ?? [];
}

/** All that was thought as one text, and the states, each with its piece of it; beside calls, those directly before them. */
function thoughtIn(parts: readonly AssistantPart[], { seal }: ReplyContext) {
  let thought = "";
  const details: JsonObject[] = [];
  const besideCalls = new Map<ToolCallPart, string>();
  for (const [index, part] of parts.entries()) {
    if (part.type !== "thinking") continue;
    if (thought !== "" && part.text !== "") thought += "\n\n";
    const start = thought.length;
    thought += part.text;
    if (part.state === undefined) continue;
    const sealed = seal.seal(part.state);
    details.push(sealedDetail(sealed, details.length, start, thought.length));
    const next = parts[index + 1];
    if (next?.type === "tool_call") besideCalls.set(next, sealed);
  }
  return { thought, details, besideCalls };
}
