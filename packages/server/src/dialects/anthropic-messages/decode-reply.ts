import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Reply, UpstreamFailure } from "../canonical/reply.ts";
import { isObject, present } from "../canonical/wire.ts";
import type { ReplyOrigin } from "../codec.ts";
import { text } from "../counter.ts";
import { citationsOf } from "./citations.ts";
import { decodeFailure } from "./decode-failure.ts";
import { finishOf } from "./stop-reasons.ts";
import { createTally } from "./usage.ts";

export function decodeReply(body: JsonObject, { provider }: ReplyOrigin): Reply | UpstreamFailure {
  if (body["type"] === "error" || isObject(body["error"])) return decodeFailure(200, body);
  if (!Array.isArray(body["content"])) return { kind: "broken", status: 200, message: "the reply is no message" };
  const parts = body["content"].flatMap((block: unknown) => partsOf(block, provider));
  const tally = createTally();
  tally.add(body["usage"]);
  const finish = finishOf(
    body,
    parts.some((part) => part.type === "tool_call"),
  );
  return { ...present({ id: text(body, "id") }), parts, finish, usage: tally.tokens() };
}

/** Blocks of the vendor's own tools are passed over: the text behind them tells what came of it. */
function partsOf(block: unknown, provider: string): readonly AssistantPart[] {
  if (!isObject(block)) return [];
  switch (block["type"]) {
    case "text": {
      const said = text(block, "text");
      return said === undefined
        ? []
        : [{ type: "text", text: said, ...present({ citations: citationsOf(block["citations"]) }) }];
    }
    case "thinking":
      return thinkingOf(text(block, "thinking") ?? "", text(block, "signature"), provider);
    case "redacted_thinking":
      return redactedOf(text(block, "data"), provider);
    case "tool_use":
      return callOf(block);
    default:
      return [];
  }
}

function thinkingOf(thought: string, data: string | undefined, provider: string): readonly AssistantPart[] {
  if (data !== undefined) {
    return [{ type: "thinking", text: thought, state: { dialect: "anthropic-messages", provider, data } }];
  }
  return thought === "" ? [] : [{ type: "thinking", text: thought }];
}

function redactedOf(data: string | undefined, provider: string): readonly AssistantPart[] {
  if (data === undefined) return [];
  return [{ type: "thinking", text: "", state: { dialect: "anthropic-messages", provider, data, kind: "redacted" } }];
}

function callOf(block: JsonObject): readonly AssistantPart[] {
  const name = text(block, "name");
  if (name === undefined) return [];
  const { input } = block;
  const written = typeof input === "string" ? input : JSON.stringify(input ?? {});
  return [{ type: "tool_call", id: text(block, "id") ?? "", name, kind: "function", arguments: written }];
}
