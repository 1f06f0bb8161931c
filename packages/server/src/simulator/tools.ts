import { type JsonObject, isObject, objectOf, stringOf } from "./wire.ts";

/** A tool the client offers, in any dialect. */
export interface OfferedTool {
  readonly name: string;
  /** Responses: the namespace it stands in. */
  readonly namespace?: string | undefined;
  /** A function takes JSON by its schema; a custom tool takes raw text. */
  readonly kind: "function" | "custom";
  readonly schema: JsonObject;
}

export interface ToolCall {
  readonly name: string;
  readonly namespace?: string | undefined;
  readonly kind: OfferedTool["kind"];
  /** JSON text of a function's arguments, or a custom tool's raw text. */
  readonly input: string;
}

/** Whether the request leaves the choice of a tool to the model, forbids, demands or names one. */
export type ToolChoice = "auto" | "none" | "any" | { readonly name: string };

/** The only thing the simulator ever asks a shell to do: what the user wrote never becomes a command. */
export const shellCommand = "echo hello from the simulated model";

const shellNames = /^(bash|shell|shell_command|exec_command|execute_command|run_command|run_shell_command)$/i;

/**
 * The tool a made-up model would call now, if any. A client with a shell tool (a coding assistant) gets a call
 * when the user says `run echo`; any other when the user says `run …` or a word of a tool's name, or when the
 * request demands a call.
 */
export function chooseTool(tools: readonly OfferedTool[], choice: ToolChoice, text: string): OfferedTool | undefined {
  if (choice === "none") return undefined;
  if (typeof choice === "object") return tools.find((tool) => tool.name === choice.name);
  return wishedTool(tools, text) ?? (choice === "any" ? tools[0] : undefined);
}

function wishedTool(tools: readonly OfferedTool[], text: string): OfferedTool | undefined {
  const shell = tools.find(isShell);
  if (shell !== undefined) return /\brun echo\b/i.test(text) ? shell : undefined;
  const words = new Set(text.toLowerCase().split(/[^a-z0-9]+/));
  const named = tools.find((tool) =>
    tool.name
      .toLowerCase()
      .split(/[^a-z0-9]+/)
      .some((word) => word.length > 3 && words.has(word)),
  );
  return named ?? (words.has("run") ? tools[0] : undefined);
}

function isShell(tool: OfferedTool): boolean {
  return tool.kind === "custom" ? isScript(tool) : shellNames.test(tool.name);
}

/** Codex' `exec`: a custom tool that takes JavaScript, in which the real tools are functions. */
function isScript(tool: OfferedTool): boolean {
  return tool.name === "exec" && tool.namespace !== undefined;
}

export function callTool(tool: OfferedTool): ToolCall {
  const { name, namespace, kind } = tool;
  return { name, namespace, kind, input: kind === "custom" ? customInput(tool) : JSON.stringify(functionInput(tool)) };
}

function customInput(tool: OfferedTool): string {
  if (!isScript(tool)) return "hello from the simulated model";
  return `const result = await tools.exec_command({ cmd: ${JSON.stringify(shellCommand)} });\ntext(result.output);\n`;
}

function functionInput(tool: OfferedTool): unknown {
  const sample = sampleOf(tool.schema, tool.schema);
  if (!isShell(tool)) return isObject(sample) ? sample : {};
  const properties = objectOf(tool.schema["properties"]);
  const command = Object.hasOwn(properties, "cmd") ? "cmd" : "command";
  const isList = objectOf(properties[command])["type"] === "array";
  return {
    ...objectOf(sample),
    [command]: isList ? shellCommand.split(" ") : shellCommand,
    ...(Object.hasOwn(properties, "description") && { description: "Print a greeting" }),
  };
}

/** A value that satisfies a JSON schema, as far as its usual words go: required properties only, the first of any choice. */
function sampleOf(schema: JsonObject, root: JsonObject, depth = 0): unknown {
  if (depth > 12) return null;
  const reference = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(stringOf(schema["$ref"]));
  if (reference !== null)
    return sampleOf(objectOf(objectOf(root[reference[1] ?? ""])[reference[2] ?? ""]), root, depth + 1);
  for (const word of ["const", "default"]) if (schema[word] !== undefined) return schema[word];
  for (const word of ["enum", "examples"]) {
    const values = schema[word];
    if (Array.isArray(values) && values.length > 0) return values[0];
  }
  for (const word of ["anyOf", "oneOf", "allOf"]) {
    const choices = schema[word];
    if (Array.isArray(choices) && choices.length > 0) return sampleOf(objectOf(choices[0]), root, depth + 1);
  }
  return sampleOfType(schema, root, depth);
}

function sampleOfType(schema: JsonObject, root: JsonObject, depth: number): unknown {
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  switch (type) {
    case "object": {
      const properties = objectOf(schema["properties"]);
      const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : Object.keys(properties);
      return Object.fromEntries(required.map((name) => [name, sampleOf(objectOf(properties[name]), root, depth + 1)]));
    }
    case "array":
      return Array.from({ length: Math.max(1, numberOf(schema["minItems"])) }, () =>
        sampleOf(objectOf(schema["items"]), root, depth + 1),
      );
    case "number":
    case "integer":
      return Math.max(1, numberOf(schema["minimum"]), numberOf(schema["exclusiveMinimum"]) + 1);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return "example".padEnd(numberOf(schema["minLength"]), "-");
  }
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? Math.ceil(value) : 0;
}
