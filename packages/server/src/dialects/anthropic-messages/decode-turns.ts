import type { AssistantPart, Turn, UserPart } from "../canonical/conversation.ts";
import { invalid, listAt, objectAt } from "../canonical/wire.ts";
import { assistantParts } from "./decode-assistant.ts";
import { type PartContext, textParts, userParts } from "./decode-parts.ts";

/** All turns in which anything is left. */
export function turnsOf(value: unknown, context: PartContext): readonly Turn[] {
  const messages = listAt(value, "messages");
  if (messages.length === 0) throw invalid("messages", "must hold a message");
  return messages.map((message, index) => turnOf(message, `messages[${index}]`, context)).filter(isSaid);
}

function isSaid(turn: Turn): boolean {
  return turn.parts.length > 0;
}

function turnOf(value: unknown, path: string, context: PartContext): Turn {
  const { role, content } = objectAt(value, path);
  const at = `${path}.content`;
  if (content === undefined || content === null) throw invalid(at, "is required");
  if (role === "system") return { role, parts: textParts(content, at, context) };
  if (role === "user") return { role, parts: blocksOf<UserPart>(content, at, context, userParts) };
  if (role === "assistant") return { role, parts: blocksOf<AssistantPart>(content, at, context, assistantParts) };
  throw invalid(`${path}.role`, "must be `user`, `assistant` or `system`");
}

function blocksOf<Part>(
  content: unknown,
  path: string,
  context: PartContext,
  read: (block: Readonly<Record<string, unknown>>, path: string, context: PartContext) => readonly Part[],
): readonly (Part | { readonly type: "text"; readonly text: string })[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }];
  return listAt(content, path).flatMap((block, index) => {
    const at = `${path}[${index}]`;
    return read(objectAt(block, at), at, context);
  });
}
