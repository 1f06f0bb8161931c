import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";

/*
 * Blocks that the vendor's own tools leave in a conversation, as text that tells another model what was found. Encrypted
 * contents say nothing to anybody else. Undefined where there are no words.
 */
export function serverBlockText(block: JsonObject): string | undefined {
  const type = text(block, "type") ?? "";
  if (type === "compaction") return text(block, "content");
  if (!type.endsWith("_tool_result") && type !== "mcp_tool_result") return undefined;
  const found = wordsOf(block["content"]).join("\n");
  return found === "" ? undefined : `[Result of ${type.replace(/_tool_result$/, "").replaceAll("_", " ")}]\n${found}`;
}

/** Far more than any page; what is longer is no text for a prompt. */
const mostParts = 200;

function wordsOf(content: unknown): readonly string[] {
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  return parts.slice(0, mostParts).flatMap(lineOf);
}

function lineOf(part: unknown): readonly string[] {
  if (typeof part === "string") return part === "" ? [] : [part];
  if (!isObject(part)) return [];
  const page = isObject(part["content"]) ? part["content"] : undefined;
  const heading = [text(part, "title") ?? text(page, "title"), text(part, "url")].filter((each) => each !== undefined);
  const words = [
    text(part, "text"),
    text(part, "stdout"),
    text(part, "stderr"),
    pageText(page),
    text(part, "error_code"),
  ].filter((each) => each !== undefined);
  const lines = heading.length === 0 ? words : [heading.join(" – "), ...words];
  return lines.length === 0 ? [] : [lines.join("\n")];
}

/** What a page says; one that is no text has its bytes there. */
function pageText(page: JsonObject | undefined): string | undefined {
  return text(page, "source", "type") === "text" ? text(page, "source", "data") : undefined;
}
