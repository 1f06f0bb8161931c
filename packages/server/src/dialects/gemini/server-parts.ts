import type { JsonObject } from "../canonical/conversation.ts";
import { text } from "../counter.ts";
import { fieldsOf } from "./field-names.ts";

/** What Google ran itself, and what came of it, as text; undefined for what has no text. */
export function renditionOf(part: JsonObject): string | undefined {
  const code = fieldsOf(part["executableCode"]);
  const run = text(code, "code");
  if (run !== undefined) return `\n\`\`\`${(text(code, "language") ?? "").toLowerCase()}\n${run.trimEnd()}\n\`\`\`\n`;
  const output = text(fieldsOf(part["codeExecutionResult"]), "output");
  return output === undefined ? undefined : `\n\`\`\`\n${output.trimEnd()}\n\`\`\`\n`;
}
