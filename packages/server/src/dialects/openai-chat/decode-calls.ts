import type { JsonObject, ToolCallPart } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { objectAt, optionalList, optionalObject, optionalText, textAt } from "../canonical/wire.ts";

/**
 * The calls of a message that an assistant said earlier. `function_call` is how they were written before there were tools; it has
 * no id, nor has its result. Ids that are empty or used again are put right with the order of the turns.
 */
export function decodeCalls(message: JsonObject, path: string, losses: Losses): readonly ToolCallPart[] {
  const calls = optionalList(message["tool_calls"], `${path}.tool_calls`).flatMap((given, index) => {
    const at = `${path}.tool_calls[${index}]`;
    return decodeCall(objectAt(given, at), at, losses);
  });
  const old = optionalObject(message["function_call"], `${path}.function_call`);
  if (old === undefined) return calls;
  const name = textAt(old["name"], `${path}.function_call.name`);
  const text = argumentsText(old["arguments"], `${path}.function_call.arguments`);
  return [...calls, { type: "tool_call", id: "", name, kind: "function", arguments: text }];
}

/** Vendors leave `type` out. */
function decodeCall(call: JsonObject, path: string, losses: Losses): readonly ToolCallPart[] {
  const id = optionalText(call["id"], `${path}.id`) ?? "";
  if (call["type"] === "custom") {
    const custom = objectAt(call["custom"], `${path}.custom`);
    const name = textAt(custom["name"], `${path}.custom.name`);
    const text = textAt(custom["input"], `${path}.custom.input`);
    return [{ type: "tool_call", id, name, kind: "custom", arguments: text }];
  }
  if (call["function"] === undefined) {
    losses.dropped(path, `calls of the type \`${String(call["type"])}\` cannot be told to this model`);
    return [];
  }
  const called = objectAt(call["function"], `${path}.function`);
  const name = textAt(called["name"], `${path}.function.name`);
  const text = argumentsText(called["arguments"], `${path}.function.arguments`);
  return [{ type: "tool_call", id, name, kind: "function", arguments: text }];
}

/** A text, to be kept as it is; some clients send the object. */
function argumentsText(value: unknown, path: string): string {
  if (value === undefined || value === null) return "{}";
  if (typeof value === "object") return JSON.stringify(value);
  const text = textAt(value, path);
  return text === "" ? "{}" : text;
}
