import type { Failure } from "./failure.ts";
import { type Ask, tokensOf } from "./reply.ts";
import type { OfferedTool } from "./tools.ts";
import type { Call } from "./vendor.ts";
import { firstOf, isInteger, isObject, type JsonObject, objectOf, objectsOf, stringOf } from "./wire.ts";

/*
 * Ollama reads a request into typed fields: unknown ones are ignored, and a value of another type is refused in the words
 * of Go's JSON decoder. https://docs.ollama.com/api/chat, https://docs.ollama.com/api/generate
 */

export function refused(message: string): Failure {
  return { status: 400, message };
}

type Type = "string" | "bool" | "[]string" | "[]int" | "[]uint8" | "map[string]interface {}" | "int" | "float64";

const isTextList = (value: unknown): boolean => Array.isArray(value) && value.every((one) => typeof one === "string");

const typeChecks: Readonly<Record<Type, (value: unknown) => boolean>> = {
  string: (value) => typeof value === "string",
  bool: (value) => typeof value === "boolean",
  "[]string": isTextList,
  "[]int": (value) => Array.isArray(value) && value.every((one) => isInteger(one)),
  "[]uint8": isTextList,
  "map[string]interface {}": isObject,
  int: (value) => Number.isSafeInteger(value),
  float64: (value) => typeof value === "number",
};

type Fields = Readonly<Record<string, Type>>;

/** The first field of another type than it should have. `null` stands for an absent one, as Go has it. */
export function typeFailure(fields: Fields, object: JsonObject, where: string): Failure | undefined {
  return firstOf(Object.entries(fields), ([name, type]) => {
    const value = object[name];
    if (value === undefined || value === null || typeChecks[type](value)) return undefined;
    return refused(`json: cannot unmarshal ${goKind(value)} into Go struct field ${where}.${name} of type ${type}`);
  });
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** The model, and what every kind of request has. */
export function commonFailure({ body }: Call, where: string): Failure | undefined {
  const wrong = typeFailure({ model: "string", stream: "bool", options: "map[string]interface {}" }, body, where);
  if (wrong !== undefined) return wrong;
  if (stringOf(body["model"]) === "") return refused("model is required");
  return optionFailure(objectOf(body["options"])) ?? durationFailure(body["keep_alive"]);
}

const integerOptions = ["num_ctx", "num_keep", "num_predict", "repeat_last_n", "seed", "top_k"];
const numberOptions = ["frequency_penalty", "min_p", "presence_penalty", "repeat_penalty", "temperature", "top_p"];

function optionFailure(options: JsonObject): Failure | undefined {
  return firstOf(Object.entries(options), ([name, value]) => {
    if (integerOptions.includes(name) && !Number.isSafeInteger(value))
      return refused(`option "${name}" must be of type integer`);
    if (numberOptions.includes(name) && typeof value !== "number")
      return refused(`option "${name}" must be of type float32`);
    if (name === "stop" && !isTextList(value)) return refused('option "stop" must be of type array');
    return undefined;
  });
}

function durationFailure(value: unknown): Failure | undefined {
  if (value === undefined || value === null || typeof value === "number") return undefined;
  const isDuration = typeof value === "string" && /^[-+]?(0|([\d.]+(ns|us|µs|ms|s|m|h))+)$/.test(value);
  return isDuration ? undefined : refused(`time: invalid duration ${JSON.stringify(value)}`);
}

export function chatFailure(call: Call): Failure | undefined {
  const { body } = call;
  return (
    commonFailure(call, "ChatRequest") ??
    thinkFailure(body["think"]) ??
    formatFailure(body["format"]) ??
    listFailure(body["messages"], "ChatRequest.messages", messageFailure) ??
    listFailure(body["tools"], "ChatRequest.tools", toolFailure)
  );
}

export function generateFailure(call: Call): Failure | undefined {
  const fields: Fields = { prompt: "string", suffix: "string", system: "string", template: "string", raw: "bool" };
  const { body } = call;
  return (
    commonFailure(call, "GenerateRequest") ??
    typeFailure({ ...fields, context: "[]int", images: "[]uint8" }, body, "GenerateRequest") ??
    imagesFailure(body["images"]) ??
    thinkFailure(body["think"]) ??
    formatFailure(body["format"])
  );
}

function thinkFailure(think: unknown): Failure | undefined {
  if (think === undefined || think === null || typeof think === "boolean") return undefined;
  if (["low", "medium", "high", "max"].includes(stringOf(think))) return undefined;
  return refused(`invalid think value: ${JSON.stringify(think)} (must be "high", "medium", "low", true, or false)`);
}

function formatFailure(format: unknown): Failure | undefined {
  if (format === undefined || format === null || isObject(format)) return undefined;
  if (format === "" || format === "json") return undefined;
  return refused(`invalid format: ${JSON.stringify(format)}; expected "json" or a valid JSON Schema object`);
}

function listFailure(
  list: unknown,
  where: string,
  check: (item: JsonObject, where: string) => Failure | undefined,
): Failure | undefined {
  if (list === undefined || list === null) return undefined;
  if (!Array.isArray(list)) return refused(`json: cannot unmarshal ${goKind(list)} into Go struct field ${where}`);
  return firstOf(list, (item: unknown) =>
    isObject(item) ? check(item, where) : refused(`json: cannot unmarshal ${goKind(item)} into Go value of ${where}`),
  );
}

function messageFailure(message: JsonObject, where: string): Failure | undefined {
  const fields: Fields = {
    role: "string",
    content: "string",
    thinking: "string",
    images: "[]uint8",
    tool_name: "string",
  };
  return (
    typeFailure(fields, message, where) ??
    imagesFailure(message["images"]) ??
    listFailure(message["tool_calls"], `${where}.tool_calls`, ({ function: called }, at) =>
      typeFailure({ name: "string", arguments: "map[string]interface {}" }, objectOf(called), `${at}.function`),
    )
  );
}

/** Plain base64: an address or a `data:` URL is none. */
function imagesFailure(images: unknown): Failure | undefined {
  if (!Array.isArray(images)) return undefined;
  return firstOf(images, (image: unknown) => {
    const stray = stringOf(image).search(/[^A-Za-z0-9+/=\r\n]/);
    return stray < 0 ? undefined : refused(`illegal base64 data at input byte ${stray}`);
  });
}

function toolFailure(tool: JsonObject, where: string): Failure | undefined {
  return typeFailure(
    { name: "string", description: "string", parameters: "map[string]interface {}" },
    objectOf(tool["function"]),
    `${where}.function`,
  );
}

export function readChat({ body, bytes }: Call): Ask {
  const messages = objectsOf(body["messages"]);
  const fresh = messages.slice(messages.findLastIndex(({ role }) => role === "assistant") + 1);
  const saidBy = (role: string): readonly string[] =>
    fresh.filter((message) => message["role"] === role).map((message) => stringOf(message["content"]));
  return {
    ...readCommon(body, bytes),
    text: saidBy("user").at(-1) ?? "",
    toolOutputs: saidBy("tool"),
    tools: objectsOf(body["tools"]).map(offeredTool),
  };
}

export function readGenerate({ body, bytes }: Call): Ask {
  return { ...readCommon(body, bytes), text: stringOf(body["prompt"]), toolOutputs: [], tools: [] };
}

type Common = "model" | "stream" | "toolChoice" | "thinks" | "maxTokens" | "prompt";

function readCommon(body: JsonObject, bytes: Buffer): Pick<Ask, Common> {
  const limit = objectOf(body["options"])["num_predict"];
  return {
    model: stringOf(body["model"]),
    stream: body["stream"] !== false,
    toolChoice: "auto",
    thinks: body["think"] === true || stringOf(body["think"]) !== "",
    maxTokens: isInteger(limit) ? limit : undefined,
    prompt: { input: tokensOf(bytes.length), cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0 },
  };
}

function offeredTool(tool: JsonObject): OfferedTool {
  const { name, parameters } = objectOf(tool["function"]);
  return { name: stringOf(name), kind: "function", schema: objectOf(parameters) };
}
