import type { JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  isObject,
  objectAt,
  optionalFlag,
  optionalList,
  optionalObject,
  optionalText,
  present,
  textAt,
} from "../canonical/wire.ts";
import { cacheMarkOf } from "./cache-marks.ts";

/** `tools`, and `functions`, which they were before. Of two with the same name, the first counts. */
export function decodeTools(body: JsonObject, losses: Losses): readonly Tool[] {
  const tools = optionalList(body["tools"], "tools").flatMap((tool, index) => {
    return decodeTool(objectAt(tool, `tools[${index}]`), `tools[${index}]`, losses);
  });
  const functions = optionalList(body["functions"], "functions").map((definition, index) => {
    return decodeFunction(objectAt(definition, `functions[${index}]`), `functions[${index}]`);
  });
  const byName = new Map<string, Tool>();
  for (const tool of [...tools, ...functions]) if (!byName.has(tool.name)) byName.set(tool.name, tool);
  return [...byName.values()];
}

function decodeTool(tool: JsonObject, path: string, losses: Losses): readonly Tool[] {
  const marked = present({ cache: cacheMarkOf(tool) });
  if (tool["type"] === "custom") {
    return [{ ...decodeCustom(objectAt(tool["custom"], `${path}.custom`), `${path}.custom`), ...marked }];
  }
  if (tool["function"] !== undefined) {
    return [{ ...decodeFunction(objectAt(tool["function"], `${path}.function`), `${path}.function`), ...marked }];
  }
  if (tool["type"] === "function") throw invalid(`${path}.function`, "is required");
  losses.dropped(path, `the provider's own tools, such as \`${String(tool["type"])}\`, are not there with this model`);
  return [];
}

function decodeFunction(definition: JsonObject, path: string): Tool {
  return {
    kind: "function",
    name: nameAt(definition["name"], `${path}.name`),
    ...present({
      description: optionalText(definition["description"], `${path}.description`),
      parameters: optionalObject(definition["parameters"], `${path}.parameters`),
      strict: optionalFlag(definition["strict"], `${path}.strict`),
    }),
  };
}

function decodeCustom(custom: JsonObject, path: string): Tool {
  return {
    kind: "custom",
    name: nameAt(custom["name"], `${path}.name`),
    ...present({
      description: optionalText(custom["description"], `${path}.description`),
      grammar: grammarOf(optionalObject(custom["format"], `${path}.format`), `${path}.format`),
    }),
  };
}

function grammarOf(format: JsonObject | undefined, path: string): Tool["grammar"] {
  if (format?.["type"] !== "grammar") return undefined;
  const grammar = objectAt(format["grammar"], `${path}.grammar`);
  const syntax = textAt(grammar["syntax"], `${path}.grammar.syntax`);
  if (syntax !== "lark" && syntax !== "regex") throw invalid(`${path}.grammar.syntax`, "must be lark or regex");
  return { syntax, definition: textAt(grammar["definition"], `${path}.grammar.definition`) };
}

function nameAt(value: unknown, path: string): string {
  const name = textAt(value, path);
  if (name === "") throw invalid(path, "must not be empty");
  return name;
}

const words: Readonly<Record<string, ToolChoice>> = {
  auto: { type: "auto" },
  none: { type: "none" },
  required: { type: "any" },
  any: { type: "any" }, // Mistral's word
};

/** `tool_choice`, or `function_call` in the old form. */
export function decodeToolChoice(body: JsonObject): ToolChoice | undefined {
  const field = body["tool_choice"] === undefined || body["tool_choice"] === null ? "function_call" : "tool_choice";
  const choice = body[field];
  if (choice === undefined || choice === null) return undefined;
  if (typeof choice === "string") {
    const known = Object.hasOwn(words, choice) ? words[choice] : undefined;
    if (known === undefined) throw invalid(field, "must be none, auto, required, or name a tool");
    return known;
  }
  return chosen(objectAt(choice, field), field);
}

function chosen(choice: JsonObject, path: string): ToolChoice {
  if (choice["type"] === "allowed_tools") return allowed(choice, path);
  const named = [choice["function"], choice["custom"]].find(isObject) ?? choice;
  return { type: "tool", name: nameAt(named["name"], `${path}.${named === choice ? "name" : "function.name"}`) };
}

/** Documented with the list in `allowed_tools`; also seen flat. */
function allowed(choice: JsonObject, path: string): ToolChoice {
  const nested = isObject(choice["allowed_tools"]) ? choice["allowed_tools"] : choice;
  const names = optionalList(nested["tools"], `${path}.allowed_tools.tools`).map((given, index) => {
    const at = `${path}.allowed_tools.tools[${index}]`;
    const tool = objectAt(given, at);
    const named = [tool["function"], tool["custom"]].find(isObject) ?? tool;
    return nameAt(named["name"], `${at}.function.name`);
  });
  return { type: "allowed", names, required: nested["mode"] === "required" };
}
