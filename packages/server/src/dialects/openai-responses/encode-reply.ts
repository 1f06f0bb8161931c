import { AppError } from "../../kernel/errors.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import type { ReplyContext } from "../codec.ts";
import { type AnswerPart, callItem, contentPart, itemId, messageItem, reasoningItem } from "./output-items.ts";
import { keepItem } from "./kept-items.ts";
import { beginning, endingOf, usageObject } from "./response-object.ts";

/** @throws AppError `upstream_broke` for a call that is none: nothing in the dialect says so in a reply that is good */
export function encodeReply(reply: Reply, context: ReplyContext): JsonObject {
  const { finish, usage } = reply;
  if (finish.reason === "malformed_call") throw new AppError("upstream_broke", { provider: "the provider" });
  const parts = withReason(reply);
  const ending = endingOf(
    finish,
    parts.some((part) => part.type === "refusal"),
  );
  const output = outputOf(parts, context);
  for (const item of output) keepItem(item, JSON.stringify(item), context);
  return {
    ...beginning(context),
    ...ending,
    completed_at: ending.status === "completed" ? context.createdAt : null,
    error: null,
    output,
    usage: usageObject(usage),
  };
}

/** Where nothing was said but why it was refused, that is said. */
function withReason({ parts, finish }: Reply): readonly AssistantPart[] {
  if (finish.reason !== "refusal" || finish.detail === undefined) return parts;
  const isSaid = parts.some((part) => part.type === "text" || part.type === "refusal");
  return isSaid ? parts : [...parts, { type: "refusal", text: finish.detail }];
}

/** Texts and refusals that follow each other are the parts of one message. */
function outputOf(parts: readonly AssistantPart[], context: ReplyContext): readonly JsonObject[] {
  const items: JsonObject[] = [];
  let answer: AnswerPart[] = [];
  const close = (): void => {
    if (answer.length > 0) items.push(messageItem(itemId("message", context, items.length), answer.map(contentPart)));
    answer = [];
  };
  for (const part of parts) {
    if (part.type === "text" || part.type === "refusal") {
      answer.push(part);
      continue;
    }
    close();
    if (part.type === "tool_call") items.push(callItem(itemId(part.kind, context, items.length), part, context.tools));
    else if (part.text !== "" || part.state !== undefined) {
      items.push(reasoningItem(itemId("reasoning", context, items.length), part.text, part.state, context));
    }
  }
  close();
  return items;
}
