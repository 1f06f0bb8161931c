import { AppError } from "../../../kernel/errors.ts";
import { createNdjsonReader } from "../../../kernel/lines.ts";
import { createSseReader, type ServerEvent } from "../../../kernel/sse.ts";
import type { AssistantTurn, Conversation, JsonObject, Turn } from "../../canonical/conversation.ts";
import { plainConversation } from "../../canonical/test-parts.ts";
import { isObject } from "../../canonical/wire.ts";
import { codecById } from "../../codecs.ts";
import type { DialectId } from "../../dialect.ts";
import { contextOf, targetOf } from "./provider.ts";

/*
 * What clients of each dialect send, made of conversations that are in no order. What the model said is written as a reply of
 * this gateway's would have been, so that it has the reasoning states where clients find and keep them.
 */

/** The list of what was said, in a request. */
const lists: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "messages",
  gemini: "contents",
  ollama: "messages",
  "openai-chat": "messages",
  "openai-responses": "input",
};

export function listOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function saidIn(id: DialectId, body: JsonObject): readonly JsonObject[] {
  return listOf(body[lists[id]]);
}

export function withSaid(id: DialectId, body: JsonObject, said: readonly JsonObject[]): JsonObject {
  return { ...body, [lists[id]]: said };
}

/** What a client keeps of a whole reply. */
export function keptOf(id: DialectId, reply: JsonObject): readonly JsonObject[] {
  switch (id) {
    case "anthropic-messages":
      return [{ role: "assistant", content: reply["content"] }];
    case "gemini": {
      const [candidate] = listOf(reply["candidates"]);
      return isObject(candidate?.["content"]) ? [candidate["content"]] : [];
    }
    case "ollama":
      return isObject(reply["message"]) ? [reply["message"]] : [];
    case "openai-chat": {
      const [choice] = listOf(reply["choices"]);
      return isObject(choice?.["message"]) ? [choice["message"]] : [];
    }
    case "openai-responses":
      return listOf(reply["output"]);
  }
}

/** A conversation as a client would send it, with each turn where it is. */
export function wireOf(id: DialectId, conversation: Conversation): JsonObject {
  const codec = codecById(id);
  const written = codec.encodeRequest({ ...conversation, turns: plainConversation.turns }, targetOf(id)).body;
  const leading = saidIn(id, written).slice(0, -1);
  const said = conversation.turns.flatMap((turn) => turnOf(id, turn));
  return JSON.parse(JSON.stringify(withSaid(id, written, [...leading, ...said]))) as JsonObject;
}

function turnOf(id: DialectId, turn: Turn): readonly JsonObject[] {
  const { turns } = plainConversation;
  if (turn.role === "assistant") return replyOf(id, turn) ?? spoken(id, { ...plainConversation, turns: [turn] });
  if (turn.role === "system") return spoken(id, { ...plainConversation, turns: [...turns, turn] }).slice(1);
  return spoken(id, { ...plainConversation, turns: [turn] });
}

/** Nothing, for a turn that the dialect cannot say. */
function spoken(id: DialectId, conversation: Conversation): readonly JsonObject[] {
  try {
    const { body } = codecById(id).encodeRequest(conversation, targetOf(id));
    return saidIn(id, body);
  } catch (thrown) {
    if (thrown instanceof AppError) return [];
    throw thrown;
  }
}

/** Undefined for a turn that the dialect's replies cannot hold. */
function replyOf(id: DialectId, { parts }: AssistantTurn): readonly JsonObject[] | undefined {
  const calls = parts.some((part) => part.type === "tool_call");
  const reply = { id: "r", parts, finish: { reason: calls ? "tool_calls" : "end" }, usage: undefined } as const;
  try {
    const body = codecById(id).encodeReply(reply, contextOf(id, { echo: { includeThoughts: true, shown: true } }));
    return keptOf(id, JSON.parse(JSON.stringify(body)) as JsonObject);
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

const mostEventBytes = 1 << 24;

export function eventsIn(id: DialectId, bytes: Buffer): readonly ServerEvent[] {
  if (id === "ollama") {
    const lines = createNdjsonReader(mostEventBytes);
    return [...lines.push(bytes), ...lines.end()].map((line) => ({ name: "message", data: line.toString("utf8") }));
  }
  const events = createSseReader(mostEventBytes);
  return [...events.push(bytes), ...events.end()];
}

/** The JSON documents of a stream. */
export function documentsIn(id: DialectId, text: string): readonly JsonObject[] {
  return eventsIn(id, Buffer.from(text))
    .filter(({ data }) => data !== "[DONE]")
    .map(({ data }) => JSON.parse(data) as JsonObject);
}
