import { type Ask, type PromptTokens, tokensOf } from "./reply.ts";
import type { OfferedTool, ToolChoice } from "./tools.ts";
import type { Call } from "./vendor.ts";
import { isInteger, type JsonObject, objectOf, objectsOf, stringOf, textsOf } from "./wire.ts";

/** One message; its content as blocks. */
export interface Turn {
  readonly role: string;
  readonly index: number;
  readonly blocks: readonly JsonObject[];
}

export function readMessages({ body, bytes }: Call): Ask {
  const turns = turnsOf(body["messages"]);
  const lastAnswer = turns.findLastIndex((turn) => turn.role === "assistant");
  const fresh = turns.slice(lastAnswer + 1).filter((turn) => turn.role === "user");
  const { type: thinking } = objectOf(body["thinking"]);
  return {
    model: stringOf(body["model"]),
    stream: body["stream"] === true,
    text: fresh.flatMap((turn) => textsOf(turn.blocks)).at(-1) ?? "",
    toolOutputs: fresh
      .flatMap((turn) => turn.blocks)
      .flatMap((block) => (block["type"] === "tool_result" ? [textsOf(block["content"]).join("\n")] : [])),
    tools: objectsOf(body["tools"]).filter(isCustom).map(offeredTool),
    toolChoice: choiceOf(objectOf(body["tool_choice"])),
    thinks: thinking === "enabled" || thinking === "adaptive",
    maxTokens: isInteger(body["max_tokens"]) ? body["max_tokens"] : undefined,
    prompt: promptTokens(bytes, lastAnswer >= 0),
  };
}

export function turnsOf(messages: unknown): readonly Turn[] {
  return objectsOf(messages).map((message, index) => {
    const content = message["content"];
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : objectsOf(content);
    return { role: stringOf(message["role"]), index, blocks };
  });
}

/** Whether the client runs the tool, unlike the vendor's own. */
export function isCustom(tool: JsonObject): boolean {
  return tool["type"] === undefined || tool["type"] === null || tool["type"] === "custom";
}

function offeredTool(tool: JsonObject): OfferedTool {
  return { name: stringOf(tool["name"]), kind: "function", schema: objectOf(tool["input_schema"]) };
}

function choiceOf(choice: JsonObject): ToolChoice {
  if (choice["type"] === "tool") return { name: stringOf(choice["name"]) };
  return choice["type"] === "any" || choice["type"] === "none" ? choice["type"] : "auto";
}

/**
 * A prompt with cache breakpoints is cached up to the last of them: the first turn of a conversation writes that part,
 * later turns read it. Which turn it is shows in the request, so no memory is needed.
 */
function promptTokens(bytes: Buffer, continues: boolean): PromptTokens {
  const mark = bytes.lastIndexOf('"cache_control":');
  const cached = mark < 0 ? 0 : tokensOf(mark);
  const isLong = mark >= 0 && bytes.subarray(mark, mark + 80).includes('"1h"');
  return {
    input: tokensOf(bytes.length) - cached,
    cacheRead: continues ? cached : 0,
    cacheWrite: continues || isLong ? 0 : cached,
    cacheWrite1h: continues || !isLong ? 0 : cached,
  };
}
