import type { JsonObject } from "../../canonical/conversation.ts";
import { isObject } from "../../canonical/wire.ts";
import type { DialectId } from "../../dialect.ts";
import { documentsIn, listOf } from "./wire.ts";

/* How clients put a stream together: the whole reply that it would have been, as far as a client keeps it. */

type Draft = Record<string, unknown>;

export function assembled(id: DialectId, text: string): JsonObject {
  return assemblers[id](documentsIn(id, text));
}

const assemblers: Readonly<Record<DialectId, (documents: readonly JsonObject[]) => JsonObject>> = {
  "anthropic-messages": (documents) => ({ content: blocksOf(documents) }),
  gemini: (documents) => ({ candidates: [{ content: { role: "model", parts: documents.flatMap(partsOf) } }] }),
  ollama: (documents) => ({ message: messageOf(documents.map(({ message }) => objectOf(message))) }),
  "openai-chat": (documents) => ({ choices: [{ message: chatMessageOf(documents) }] }),
  "openai-responses": (documents) => ({
    output: documents.flatMap(({ type, item }) => (type === "response.output_item.done" ? objectOf(item) : [])),
  }),
};

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function blocksOf(documents: readonly JsonObject[]): readonly JsonObject[] {
  const blocks: Draft[] = [];
  for (const { type, content_block: block, delta, index } of documents) {
    if (type === "content_block_start") blocks.push({ ...objectOf(block) });
    const open = blocks[Number(index)];
    if (type !== "content_block_delta" || open === undefined) continue;
    const { text, thinking, signature, partial_json: json } = objectOf(delta);
    if (text !== undefined) open["text"] = textOf(open["text"]) + textOf(text);
    if (thinking !== undefined) open["thinking"] = textOf(open["thinking"]) + textOf(thinking);
    if (signature !== undefined) open["signature"] = signature;
    if (json !== undefined) open["json"] = textOf(open["json"]) + textOf(json);
  }
  return blocks.map(({ json, ...block }) => {
    return block["type"] === "tool_use" ? { ...block, input: JSON.parse(textOf(json) || "{}") as unknown } : block;
  });
}

/** Texts of a kind that follow each other are one; a signature goes with its part. */
function partsOf(document: JsonObject): readonly JsonObject[] {
  const [candidate] = listOf(document["candidates"]);
  return listOf(objectOf(candidate?.["content"])["parts"]).filter(
    ({ text, thoughtSignature }) => text !== "" || thoughtSignature !== undefined,
  );
}

function messageOf(messages: readonly JsonObject[]): JsonObject {
  const joined = (field: string): string => messages.map((message) => textOf(message[field])).join("");
  const calls = messages.flatMap((message) => listOf(message["tool_calls"]));
  const thinking = joined("thinking");
  return {
    role: "assistant",
    content: joined("content"),
    ...(thinking !== "" && { thinking }),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** One that keeps no more than what OpenAI's own schema has, which is what most clients do. */
function chatMessageOf(documents: readonly JsonObject[]): JsonObject {
  let content = "";
  const calls: Draft[] = [];
  for (const document of documents) {
    const [choice] = listOf(document["choices"]);
    const delta = objectOf(choice?.["delta"]);
    content += textOf(delta["content"]);
    for (const { index, id, type, function: called } of listOf(delta["tool_calls"])) {
      const { name, arguments: text } = objectOf(called);
      const call = (calls[Number(index)] ??= { id, type, function: { name, arguments: "" } });
      const before = objectOf(call["function"]);
      call["function"] = { ...before, arguments: textOf(before["arguments"]) + textOf(text) };
    }
  }
  return {
    role: "assistant",
    content: content === "" ? null : content,
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}
