import { isClaudeCodeRouter } from "./claude-code-router.ts";
import { fernetEntriesOf } from "./fernet-source.ts";
import { looksLikeFernet } from "./fernet.ts";
import type { SourceKind } from "./finding.ts";
import { keyRecordsOf } from "./key-file.ts";
import { isLitellm } from "./litellm.ts";
import { parseRelaxedJson } from "./relaxed-json.ts";

/** What a text file is, by its content; `undefined` if it is none of the kinds there are. */
export function detectText(text: string): SourceKind | undefined {
  if (looksLikeFernet(text)) return "fernet";
  const json = parseRelaxedJson(text);
  if (json !== undefined) return detectContent(json.content);
  if (/^(?:model_list|litellm_settings)[ \t]*:/m.test(text)) return "litellm";
  return /^[ \t]*(?:export[ \t]+)?[A-Za-z_][\w.-]*[ \t]*=/m.test(text) ? "dotenv" : undefined;
}

function detectContent(content: unknown): SourceKind | undefined {
  if (isClaudeCodeRouter(content)) return "claude-code-router";
  if (isLitellm(content)) return "litellm";
  if (fernetEntriesOf(content)?.some(({ token }) => looksLikeFernet(token)) === true) return "fernet";
  return keyRecordsOf(content) === undefined ? undefined : "key-file";
}
