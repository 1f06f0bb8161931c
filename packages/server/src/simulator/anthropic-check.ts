import { isCustom, type Turn, turnsOf } from "./anthropic-request.ts";
import type { Failure } from "./failure.ts";
import { isThoughtSeal } from "./reply.ts";
import type { Call } from "./vendor.ts";
import { firstOf, isInteger, isObject, type JsonObject, objectOf, stringOf } from "./wire.ts";

/** Request fields of the Messages API: https://docs.claude.com/en/api/messages */
const fields = new Set(
  (
    "model messages max_tokens system tools tool_choice thinking output_config stop_sequences stream metadata service_tier speed " +
    "cache_control container diagnostics inference_geo user_profile_id workspace_id temperature top_p top_k"
  ).split(" "),
);

/** Fields that are accepted only together with the beta header that enables them; an empty word stands for any beta. */
const betaFields: Readonly<Record<string, string>> = {
  context_management: "context-management",
  mcp_servers: "mcp-client",
  output_format: "structured-outputs",
  compaction: "",
  fallbacks: "",
  fallback_credit_token: "",
  thread: "",
};

const userBlocks = ["text", "image", "document", "search_result", "tool_result", "container_upload"];
const assistantBlocks = [
  "text",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "server_tool_use",
  "document",
  "compaction",
  "fallback",
];

/** The vendor's own tools, connectors and betas bring blocks of many types; they are let through unread. */
const openBlocks = /^(mcp_|tool_)|_tool_result$/;

const mostBytes = 32 * 1024 * 1024;

/** What the Messages API would object to, in its words. Counting tokens takes no `max_tokens`. */
export function messagesFailure(call: Call, purpose: "answer" | "count"): Failure | undefined {
  if (call.bytes.length > mostBytes) return { status: 413, message: "Request exceeds the maximum size" };
  const { body } = call;
  const message =
    versionProblem(call) ??
    fieldProblem(call) ??
    (purpose === "answer" ? limitProblem(body) : undefined) ??
    thinkingProblem(body) ??
    toolsProblem(body) ??
    messagesProblem(body["messages"]);
  return message === undefined ? undefined : { status: 400, message };
}

function versionProblem(call: Call): string | undefined {
  const version = call.header("anthropic-version");
  if (version === undefined) return "anthropic-version: header is required";
  if (!["2023-01-01", "2023-06-01", "2026-10-21"].includes(version))
    return `anthropic-version: "${version}" is not a valid version`;
  if (version < "2026-10-21") return undefined;
  const removed = ["temperature", "top_p", "top_k"].find((name) => call.body[name] !== undefined);
  return removed === undefined ? undefined : `${removed}: this parameter was removed in version ${version}`;
}

function fieldProblem(call: Call): string | undefined {
  const { body } = call;
  const extra = Object.keys(body).find((name) => !isAllowed(name, call));
  if (extra !== undefined) return `${extra}: Extra inputs are not permitted`;
  if (body["model"] === undefined) return "model: Field required";
  if (typeof body["model"] !== "string" || body["model"] === "") return "model: Input should be a valid string";
  if (body["stream"] !== undefined && typeof body["stream"] !== "boolean")
    return "stream: Input should be a valid boolean";
  return undefined;
}

function isAllowed(name: string, { header }: Call): boolean {
  const beta = betaFields[name];
  if (beta === undefined) return fields.has(name);
  return header("anthropic-beta")?.includes(beta) ?? false;
}

function limitProblem(body: JsonObject): string | undefined {
  if (body["max_tokens"] === undefined) return "max_tokens: Field required";
  if (!isInteger(body["max_tokens"])) return "max_tokens: Input should be a valid integer, 0 or more";
  const temperature = body["temperature"];
  const isWarm = temperature === undefined || (typeof temperature === "number" && temperature >= 0 && temperature <= 1);
  return isWarm ? undefined : "temperature: range: 0..1";
}

function thinkingProblem(body: JsonObject): string | undefined {
  if (body["thinking"] === undefined) return undefined;
  const { type, budget_tokens: budget } = objectOf(body["thinking"]);
  if (!["adaptive", "enabled", "disabled", "between_tools"].includes(stringOf(type)))
    return "thinking.type: Input should be a known type";
  if (type !== "enabled") return undefined;
  if (!isInteger(budget, 1024)) return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024";
  return isInteger(body["max_tokens"]) && budget >= body["max_tokens"]
    ? "`max_tokens` must be greater than `thinking.budget_tokens`"
    : undefined;
}

function toolsProblem(body: JsonObject): string | undefined {
  const choice = body["tool_choice"];
  if (choice !== undefined && !["auto", "any", "tool", "none"].includes(stringOf(objectOf(choice)["type"]))) {
    return "tool_choice.type: Input should be auto, any, tool or none";
  }
  if (body["tools"] === undefined)
    return choice === undefined ? undefined : "tool_choice may only be specified while providing tools";
  if (!Array.isArray(body["tools"])) return "tools: Input should be a valid list";
  const names = new Set<unknown>();
  return firstOf(body["tools"], (tool: unknown, index) => {
    if (!isObject(tool)) return `tools.${index}: Input should be a valid object`;
    if (names.has(tool["name"])) return "tools: Tool names must be unique.";
    if (tool["name"] !== undefined) names.add(tool["name"]);
    return isCustom(tool) ? customToolProblem(tool, `tools.${index}.custom`) : undefined;
  });
}

function customToolProblem(tool: JsonObject, where: string): string | undefined {
  if (typeof tool["name"] !== "string") return `${where}.name: Field required`;
  if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool["name"]))
    return `${where}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
  if (!isObject(tool["input_schema"])) return `${where}.input_schema: Field required`;
  return tool["input_schema"]["type"] === "object" ? undefined : `${where}.input_schema.type: Input should be 'object'`;
}

function messagesProblem(messages: unknown): string | undefined {
  if (messages === undefined) return "messages: Field required";
  if (!Array.isArray(messages)) return "messages: Input should be a valid list";
  if (messages.length === 0) return "messages: at least one message is required";
  const problem = firstOf(messages, messageProblem);
  if (problem !== undefined) return problem;
  const turns = turnsOf(messages);
  if (turns[0]?.role === "system")
    return 'messages.0: use the top-level "system" parameter for the initial system prompt';
  const last = turns.at(-1);
  const lastText = last?.role === "assistant" ? stringOf(last.blocks.at(-1)?.["text"]) : "";
  if (lastText !== lastText.trimEnd()) return "messages: final assistant content cannot end with trailing whitespace";
  return pairingProblem(turns);
}

function messageProblem(message: unknown, index: number): string | undefined {
  const where = `messages.${index}`;
  if (!isObject(message)) return `${where}: Input should be a valid object`;
  const { role, content } = message;
  if (role !== "user" && role !== "assistant" && role !== "system")
    return `${where}.role: Input should be 'user', 'assistant' or 'system'`;
  if (content === undefined) return `${where}.content: Field required`;
  if (typeof content === "string")
    return content === "" && role === "user" ? "messages: user messages must have non-empty content" : undefined;
  if (!Array.isArray(content)) return `${where}.content: Input should be a valid string or list`;
  return firstOf(content, (block: unknown, at) => blockProblem(block, role, `${where}.content.${at}`));
}

function blockProblem(block: unknown, role: string, where: string): string | undefined {
  if (!isObject(block)) return `${where}: Input should be a valid object`;
  const type = stringOf(block["type"]);
  const known = role === "assistant" ? assistantBlocks : userBlocks;
  if (!known.includes(type) && !openBlocks.test(type)) {
    return `${where}.type: Input should be one of ${known.join(", ")}`;
  }
  const check = blockChecks[type];
  return check?.(block, `${where}.${type}`, where);
}

type BlockCheck = (block: JsonObject, path: string, where: string) => string | undefined;

const sourceProblem: BlockCheck = (block, path) =>
  isObject(block["source"]) ? undefined : `${path}.source: Field required`;

const blockChecks: Readonly<Record<string, BlockCheck>> = {
  text(block, path) {
    if (typeof block["text"] !== "string") return `${path}.text: Field required`;
    return block["text"].trim() === "" ? "messages: text content blocks must contain non-whitespace text" : undefined;
  },
  image: sourceProblem,
  document: sourceProblem,
  tool_use: toolUseProblem,
  tool_result: (block, path) =>
    typeof block["tool_use_id"] === "string" ? undefined : `${path}.tool_use_id: Field required`,
  thinking(block, path, where) {
    if (typeof block["thinking"] !== "string") return `${path}.thinking: Field required`;
    const isOurs = isThoughtSeal(stringOf(block["signature"]), block["thinking"]);
    return isOurs ? undefined : `${where}: Invalid \`signature\` in \`thinking\` block`;
  },
};

function toolUseProblem(block: JsonObject, where: string): string | undefined {
  if (!/^[a-zA-Z0-9_-]+$/.test(stringOf(block["id"])))
    return `${where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
  if (typeof block["name"] !== "string") return `${where}.name: Field required`;
  return isObject(block["input"]) ? undefined : `${where}.input: Input should be a valid dictionary`;
}

/** Every `tool_use` is answered in the next user turn, before anything else in it, and nothing else is answered. */
function pairingProblem(turns: readonly Turn[]): string | undefined {
  let open: { readonly ids: readonly string[]; readonly index: number } = { ids: [], index: 0 };
  for (const turn of mergeRoles(turns.filter((one) => one.role !== "system"))) {
    const results = idsOf(turn, "tool_result", "tool_use_id");
    const stray = results.find((id) => !open.ids.includes(id));
    if (stray !== undefined) {
      return `messages.${turn.index}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
    const first = turn.blocks.slice(0, results.length).filter((block) => block["type"] === "tool_result");
    const missing = first.length < results.length ? open.ids : open.ids.filter((id) => !results.includes(id));
    if (missing.length > 0) return unanswered(open.index, missing);
    open = { ids: idsOf(turn, "tool_use", "id"), index: turn.index };
  }
  return open.ids.length > 0 ? unanswered(open.index, open.ids) : undefined;
}

function unanswered(index: number, ids: readonly string[]): string {
  return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(", ")}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

function idsOf(turn: Turn, type: string, field: string): readonly string[] {
  return turn.blocks.flatMap((block) => (block["type"] === type ? [stringOf(block[field])] : []));
}

/** Consecutive turns of one role are one turn. */
function mergeRoles(turns: readonly Turn[]): readonly Turn[] {
  const merged: Turn[] = [];
  for (const turn of turns) {
    const last = merged.at(-1);
    if (last?.role === turn.role) merged[merged.length - 1] = { ...last, blocks: [...last.blocks, ...turn.blocks] };
    else merged.push(turn);
  }
  return merged;
}
