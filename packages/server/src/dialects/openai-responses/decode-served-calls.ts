import type { JsonObject, ResultPart } from "../canonical/conversation.ts";
import { objectAt } from "../canonical/wire.ts";
import { field, text } from "../counter.ts";
import { decodeImage } from "./decode-content.ts";
import { addAssistant, addResult, type Reading } from "./reading.ts";

/*
 * Calls of tools that the dialect itself defines: a shell, a patch, a server of tools. No other dialect has them, but what was
 * done and what came of it belongs to the conversation: those with a result stand in it as calls of a function.
 */

interface ServedCall {
  /** What the function is called. */
  name(item: JsonObject): string;
  arguments(item: JsonObject): unknown;
  /** Of a call that was run by the provider, whose result stands in the same item. */
  result?(item: JsonObject): { readonly text: string; readonly isError: boolean } | undefined;
}

export const servedCalls: ReadonlyMap<string, ServedCall> = new Map<string, ServedCall>([
  ["local_shell_call", { name: () => "local_shell", arguments: (item) => item["action"] }],
  ["shell_call", { name: () => "shell", arguments: (item) => item["action"] }],
  ["apply_patch_call", { name: () => "apply_patch", arguments: (item) => item["operation"] }],
  ["computer_call", { name: () => "computer", arguments: (item) => item["action"] ?? item["actions"] }],
  ["mcp_call", { name: mcpName, arguments: (item) => item["arguments"], result: mcpResult }],
  ["code_interpreter_call", { name: () => "code_interpreter", arguments: codeOf, result: codeResult }],
]);

export const servedOutputs: ReadonlySet<string> = new Set([
  "local_shell_call_output",
  "shell_call_output",
  "apply_patch_call_output",
  "computer_call_output",
]);

/** The oldest of these outputs name their call by their own id. */
export function callIdOf(item: JsonObject): string | undefined {
  return text(item, "call_id") ?? text(item, "id");
}

export function decodeServedCall(item: JsonObject, path: string, reading: Reading): void {
  const type = text(item, "type") ?? "";
  const served = servedCalls.get(type);
  const result = served?.result?.(item);
  const id = callIdOf(item);
  if (served === undefined || id === undefined || (result === undefined && !reading.answered.has(id))) {
    reading.losses.dropped(path, "a call of a tool of this dialect's own, without a result");
    return;
  }
  reading.losses.changed(path, "a call of a tool of this dialect's own is told as one of a function");
  const call = argumentsText(served.arguments(item));
  addAssistant([{ type: "tool_call", id, name: served.name(item), kind: "function", arguments: call }], reading);
  if (result === undefined) return;
  addResult(id, "function", [{ type: "text", text: result.text }], result.isError, reading);
}

export function decodeServedOutput(item: JsonObject, path: string, reading: Reading): void {
  const id = callIdOf(item);
  if (id === undefined) {
    reading.losses.dropped(path, "it does not say which call it is the output of");
    return;
  }
  addResult(id, "function", outputParts(item, path), item["status"] === "failed", reading);
}

function outputParts(item: JsonObject, path: string): readonly ResultPart[] {
  const { output } = item;
  if (output === undefined || output === null) return [];
  if (item["type"] === "computer_call_output") {
    return [decodeImage(objectAt(output, `${path}.output`), `${path}.output`)];
  }
  return [{ type: "text", text: typeof output === "string" ? output : JSON.stringify(output) }];
}

/** Arguments are an object everywhere else. */
function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return JSON.stringify(Array.isArray(value) ? { actions: value } : (value ?? {}));
}

function mcpName(item: JsonObject): string {
  return [text(item, "server_label"), text(item, "name")].filter((part) => part !== undefined).join("__") || "mcp";
}

function mcpResult(item: JsonObject): { readonly text: string; readonly isError: boolean } | undefined {
  const { error, output } = item;
  if (typeof output === "string") return { text: output, isError: false };
  if (error === undefined || error === null) return undefined;
  return { text: typeof error === "string" ? error : JSON.stringify(error), isError: true };
}

function codeOf(item: JsonObject): unknown {
  return { code: text(item, "code") ?? "" };
}

function codeResult(item: JsonObject): { readonly text: string; readonly isError: boolean } | undefined {
  const { outputs } = item;
  if (!Array.isArray(outputs)) return undefined;
  const logs = outputs.flatMap((output: unknown) => text(output, "logs") ?? text(field(output, "url")) ?? []);
  return { text: logs.join("\n"), isError: false };
}
