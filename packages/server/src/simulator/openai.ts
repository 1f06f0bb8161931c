import { type PromptTokens, tokensOf } from "./reply.ts";
import type { ToolChoice } from "./tools.ts";
import type { Failure } from "./failure.ts";
import { isInteger, isObject, type JsonObject, stringOf } from "./wire.ts";

// What the two APIs of OpenAI have in common: the wording of refusals, prompt caching, padding of stream events.

export function invalid(message: string, param?: string, code?: string): Failure {
  return { status: 400, message, param, code };
}

export function missing(param: string): Failure {
  return invalid(`Missing required parameter: '${param}'.`, param, "missing_required_parameter");
}

export function invalidType(param: string, expected: string): Failure {
  return invalid(`Invalid type for '${param}': expected ${expected}.`, param, "invalid_type");
}

export function invalidValue(param: string, value: unknown, supported: readonly string[]): Failure {
  const list = supported.map((one) => `'${one}'`).join(", ");
  return invalid(`Invalid value: '${String(value)}'. Supported values are: ${list}.`, param, "invalid_value");
}

/** The model, and that no field is unknown: both APIs refuse what they do not know. */
export function fieldFailure(body: JsonObject, fields: ReadonlySet<string>): Failure | undefined {
  if (body["model"] === undefined) return missing("model");
  if (typeof body["model"] !== "string" || body["model"] === "") return invalidType("model", "a string");
  const unknown = Object.keys(body).find((name) => !fields.has(name));
  if (unknown !== undefined) return invalid(`Unknown parameter: '${unknown}'.`, unknown, "unknown_parameter");
  if (body["stream"] !== undefined && body["stream"] !== null && typeof body["stream"] !== "boolean")
    return invalidType("stream", "a boolean");
  if (isObject(body["stream_options"]) && body["stream"] !== true) {
    return invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options");
  }
  return rangeFailure(body, "temperature", 2) ?? rangeFailure(body, "top_p", 1);
}

function rangeFailure(body: JsonObject, param: string, most: number): Failure | undefined {
  const value = body[param];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number") return invalidType(param, "a decimal");
  if (value >= 0 && value <= most) return undefined;
  const [bound, code] = value < 0 ? [">= 0", "decimal_below_min_value"] : [`<= ${most}`, "decimal_above_max_value"];
  return invalid(`Invalid '${param}': expected a value ${bound}, but got ${value} instead.`, param, code);
}

/** A limit on output tokens: absent, or a whole number from `least` up. */
export function limitFailure(body: JsonObject, param: string, least: number): Failure | undefined {
  const value = body[param];
  if (value === undefined || value === null || isInteger(value, least)) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value)) return invalidType(param, "an integer");
  const message = `Invalid '${param}': integer below minimum value. Expected a value >= ${least}, but got ${value} instead.`;
  return invalid(message, param, "integer_below_min_value");
}

/** The name and the parameters of a function tool, wherever the dialect keeps them. */
export function functionFailure(definition: JsonObject, where: string): Failure | undefined {
  const name = definition["name"];
  if (name === undefined) return missing(`${where}.name`);
  if (!/^[a-zA-Z0-9_-]{1,128}$/.test(stringOf(name))) {
    return invalid(
      `Invalid '${where}.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.`,
      `${where}.name`,
      "invalid_value",
    );
  }
  const parameters = definition["parameters"];
  if (parameters === undefined || parameters === null) return undefined;
  if (isObject(parameters) && parameters["type"] === "object") return undefined;
  const message = `Invalid schema for function '${stringOf(name)}': schema must be a JSON Schema of 'type: "object"'.`;
  return invalid(message, `${where}.parameters`, "invalid_function_parameters");
}

/** `tool_choice` of either API; `nested` is where Chat keeps the name of a tool. */
export function choiceOf(choice: unknown): ToolChoice {
  if (choice === "required") return "any";
  if (choice === "none") return "none";
  if (!isObject(choice)) return "auto";
  const named = [choice, choice["function"], choice["custom"]]
    .filter(isObject)
    .find((one) => typeof one["name"] === "string");
  return named === undefined ? "auto" : { name: stringOf(named["name"]) };
}

/**
 * Prompts of 1,024 tokens and more are cached without being asked: here a conversation that goes on reads three
 * quarters of its prompt from the cache, in steps of 128 tokens.
 */
export function promptTokens(bytes: Buffer, continues: boolean): PromptTokens {
  const tokens = tokensOf(bytes.length);
  const cacheRead = continues && tokens >= 1024 ? Math.floor((tokens * 0.75) / 128) * 128 : 0;
  return { input: tokens - cacheRead, cacheRead, cacheWrite: 0, cacheWrite1h: 0 };
}

const padding = "k3VxQ7hZpL0dSgW9";

/** The field that hides the length of a delta from who watches the network, as JSON; empty where the client has declined. */
export function obfuscation(streamOptions: unknown): (pieceLength: number) => string {
  if (isObject(streamOptions) && streamOptions["include_obfuscation"] === false) return () => "";
  return (pieceLength) => `,"obfuscation":"${padding.slice(pieceLength % 16)}"`;
}
