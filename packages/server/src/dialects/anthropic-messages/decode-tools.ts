import type { JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  objectAt,
  optionalFlag,
  optionalList,
  optionalObject,
  optionalText,
  present,
  textAt,
} from "../canonical/wire.ts";
import { cacheMarkOf } from "./decode-marks.ts";

export interface DecodedTools {
  readonly tools: readonly Tool[];
  /** The names of those that only the vendor has. */
  readonly left: ReadonlySet<string>;
}

/** The caller's own tools. Those with a dated type are the vendor's: it runs them, or has taught its models what they are. */
export function toolsOf(value: unknown, losses: Losses): DecodedTools {
  const tools: Tool[] = [];
  const left = new Set<string>();
  optionalList(value, "tools").forEach((each, index) => {
    const path = `tools[${index}]`;
    const tool = objectAt(each, path);
    const type = optionalText(tool["type"], `${path}.type`);
    if (type === undefined || type === "custom") {
      tools.push(toolOf(tool, path, losses));
      return;
    }
    if (typeof tool["name"] === "string") left.add(tool["name"]);
    losses.dropped(path, `\`${type}\` is a tool of Anthropic's, which the model does not have`);
  });
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) throw invalid("tools", `must have names of their own, and \`${name}\` comes twice`);
    names.add(name);
  }
  return { tools, left };
}

function toolOf(tool: JsonObject, path: string, losses: Losses): Tool {
  const name = textAt(tool["name"], `${path}.name`);
  if (name === "") throw invalid(`${path}.name`, "must not be empty");
  if (tool["defer_loading"] === true) losses.hint(`${path}.defer_loading`, "the model gets all tools at once");
  noteCallers(tool["allowed_callers"], `${path}.allowed_callers`, losses);
  return {
    kind: "function",
    name,
    ...present({
      description: descriptionOf(tool, path, losses),
      parameters: optionalObject(tool["input_schema"], `${path}.input_schema`),
      strict: optionalFlag(tool["strict"], `${path}.strict`),
      cache: cacheMarkOf(tool["cache_control"], `${path}.cache_control`),
    }),
  };
}

/** Examples have no field elsewhere, but a model reads them in a description just as well. */
function descriptionOf(tool: JsonObject, path: string, losses: Losses): string | undefined {
  const description = optionalText(tool["description"], `${path}.description`);
  const examples = optionalList(tool["input_examples"], `${path}.input_examples`);
  if (examples.length === 0) return description;
  losses.changed(`${path}.input_examples`, "they are told in the description");
  const list = examples.map((example) => JSON.stringify(example)).join("\n");
  return `${description === undefined ? "" : `${description}\n\n`}Examples of its input:\n${list}`;
}

function noteCallers(value: unknown, path: string, losses: Losses): void {
  const callers = optionalList(value, path);
  if (callers.some((caller) => caller !== "direct")) losses.changed(path, "only the model itself can call it");
}

export function choiceOf(
  value: unknown,
  left: ReadonlySet<string>,
  losses: Losses,
): { readonly toolChoice?: ToolChoice; readonly parallelTools?: boolean } {
  const choice = optionalObject(value, "tool_choice");
  if (choice === undefined) return {};
  const single = optionalFlag(choice["disable_parallel_tool_use"], "tool_choice.disable_parallel_tool_use");
  const parallel = single === undefined ? {} : { parallelTools: !single };
  const { type } = choice;
  if (type === "auto" || type === "any" || type === "none") return { toolChoice: { type }, ...parallel };
  if (type !== "tool") throw invalid("tool_choice.type", "must be `auto`, `any`, `tool` or `none`");
  const name = textAt(choice["name"], "tool_choice.name");
  if (!left.has(name)) return { toolChoice: { type, name }, ...parallel };
  losses.dropped("tool_choice", `\`${name}\` is a tool of Anthropic's, which the model does not have`);
  return parallel;
}
