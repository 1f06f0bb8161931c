import {
  choiceOf,
  fieldFailure,
  functionFailure,
  invalid,
  invalidType,
  invalidValue,
  limitFailure,
  missing,
  promptTokens,
} from "./openai.ts";
import type { Ask } from "./reply.ts";
import type { OfferedTool } from "./tools.ts";
import type { Failure } from "./failure.ts";
import type { Call } from "./vendor.ts";
import { firstOf, isInteger, isObject, type JsonObject, objectOf, objectsOf, stringOf, textsOf } from "./wire.ts";

/** Request fields of Chat Completions: https://platform.openai.com/docs/api-reference/chat/create */
const fields = new Set(
  (
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens metadata " +
    "modalities moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options " +
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream stream_options " +
    "temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
  ).split(" "),
);

const roles = ["system", "assistant", "user", "function", "tool", "developer"];
const parts = ["text", "image_url", "input_audio", "file", "refusal"];

export function chatFailure({ body }: Call): Failure | undefined {
  return fieldFailure(body, fields) ?? chatLimits(body) ?? toolsFailure(body) ?? messagesFailure(body["messages"]);
}

function chatLimits(body: JsonObject): Failure | undefined {
  if (isInteger(body["max_tokens"]) && isInteger(body["max_completion_tokens"])) {
    return invalid("Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.");
  }
  if (Array.isArray(body["stop"]) && body["stop"].length > 4) {
    return invalid(
      "Invalid 'stop': array too long. Expected an array with maximum length 4.",
      "stop",
      "array_above_max_length",
    );
  }
  return limitFailure(body, "max_tokens", 1) ?? limitFailure(body, "max_completion_tokens", 1);
}

function toolsFailure(body: JsonObject): Failure | undefined {
  const tools = body["tools"];
  if (tools === undefined || tools === null) {
    const isChosen =
      body["tool_choice"] !== undefined && body["tool_choice"] !== null && body["tool_choice"] !== "none";
    return isChosen ? invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice") : undefined;
  }
  if (!Array.isArray(tools)) return invalidType("tools", "an array of objects");
  if (tools.length === 0)
    return invalid("Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools", "empty_array");
  return firstOf(tools, (tool: unknown, index) => {
    const { type, function: definition, custom } = objectOf(tool);
    if (type === "custom") return isObject(custom) ? undefined : missing(`tools[${index}].custom`);
    if (type !== "function")
      return type === undefined
        ? missing(`tools[${index}].type`)
        : invalidValue(`tools[${index}].type`, type, ["function", "custom"]);
    return isObject(definition)
      ? functionFailure(definition, `tools[${index}].function`)
      : missing(`tools[${index}].function`);
  });
}

function messagesFailure(messages: unknown): Failure | undefined {
  if (messages === undefined) return missing("messages");
  if (!Array.isArray(messages)) return invalidType("messages", "an array of objects");
  if (messages.length === 0) {
    return invalid(
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      "messages",
      "empty_array",
    );
  }
  return firstOf(messages, messageFailure) ?? pairingFailure(objectsOf(messages));
}

function messageFailure(message: unknown, index: number): Failure | undefined {
  const where = `messages[${index}]`;
  if (!isObject(message)) return invalidType(where, "an object");
  const { role, content } = message;
  if (role === undefined) return missing(`${where}.role`);
  if (!roles.includes(stringOf(role))) return invalidValue(`${where}.role`, role, roles);
  if (role === "tool" && typeof message["tool_call_id"] !== "string") return missing(`${where}.tool_call_id`);
  if (content === undefined || content === null) {
    const mayLack =
      role === "assistant" &&
      (message["tool_calls"] !== undefined || message["refusal"] !== undefined || message["audio"] !== undefined);
    return mayLack
      ? callsFailure(message, where)
      : invalid("Invalid value for 'content': expected a string, got null.", `${where}.content`);
  }
  return contentFailure(content, role, `${where}.content`) ?? callsFailure(message, where);
}

function contentFailure(content: unknown, role: unknown, where: string): Failure | undefined {
  if (typeof content === "string") return undefined;
  if (!Array.isArray(content)) return invalidType(where, "one of a string or array of objects");
  const known = role === "user" ? parts : ["text", "refusal"];
  return firstOf(content, (part: unknown, index) => {
    const type = objectOf(part)["type"];
    if (!known.includes(stringOf(type))) return invalidValue(`${where}[${index}].type`, type, known);
    return objectOf(part)[stringOf(type)] === undefined ? missing(`${where}[${index}].${stringOf(type)}`) : undefined;
  });
}

function callsFailure(message: JsonObject, where: string): Failure | undefined {
  const calls = message["tool_calls"];
  if (calls === undefined || calls === null) return undefined;
  if (!Array.isArray(calls)) return invalidType(`${where}.tool_calls`, "an array of objects");
  if (calls.length === 0)
    return invalid(
      `Invalid '${where}.tool_calls': empty array. Expected an array with minimum length 1.`,
      `${where}.tool_calls`,
      "empty_array",
    );
  return firstOf(calls, (call: unknown, index) => {
    const { id, type, function: called, custom } = objectOf(call);
    const at = `${where}.tool_calls[${index}]`;
    if (typeof id !== "string") return missing(`${at}.id`);
    if (type === "custom")
      return typeof objectOf(custom)["input"] === "string" ? undefined : missing(`${at}.custom.input`);
    if (type !== "function")
      return type === undefined ? missing(`${at}.type`) : invalidValue(`${at}.type`, type, ["function", "custom"]);
    if (typeof objectOf(called)["name"] !== "string") return missing(`${at}.function.name`);
    return typeof objectOf(called)["arguments"] === "string"
      ? undefined
      : invalidType(`${at}.function.arguments`, "a string");
  });
}

/** Tool messages answer the assistant message right before them, each id of it once. */
function pairingFailure(messages: readonly JsonObject[]): Failure | undefined {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    if (message["role"] !== "tool") {
      if (open.size > 0) return unanswered(open, index);
      open = new Set(objectsOf(message["tool_calls"]).map((call) => stringOf(call["id"])));
    } else if (!open.delete(stringOf(message["tool_call_id"]))) {
      return invalid(
        "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        `messages.[${index}].role`,
      );
    }
  }
  return open.size > 0 ? unanswered(open, messages.length) : undefined;
}

function unanswered(ids: ReadonlySet<string>, index: number): Failure {
  return invalid(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...ids].join(", ")}`,
    `messages.[${index}].role`,
  );
}

export function readChat({ body, bytes }: Call): Ask {
  const messages = objectsOf(body["messages"]);
  const lastAnswer = messages.findLastIndex((message) => message["role"] === "assistant");
  const fresh = messages.slice(lastAnswer + 1);
  const limit = body["max_completion_tokens"] ?? body["max_tokens"];
  const effort = body["reasoning_effort"];
  return {
    model: stringOf(body["model"]),
    stream: body["stream"] === true,
    text: fresh.flatMap((message) => (message["role"] === "user" ? textsOf(message["content"]) : [])).at(-1) ?? "",
    toolOutputs: fresh.flatMap((message) =>
      message["role"] === "tool" ? [textsOf(message["content"]).join("\n")] : [],
    ),
    tools: objectsOf(body["tools"]).map(offeredTool),
    toolChoice: choiceOf(body["tool_choice"]),
    thinks: typeof effort === "string" && effort !== "none",
    maxTokens: isInteger(limit) ? limit : undefined,
    prompt: promptTokens(bytes, lastAnswer >= 0),
  };
}

function offeredTool(tool: JsonObject): OfferedTool {
  const kind = tool["type"] === "custom" ? "custom" : "function";
  const definition = objectOf(tool[kind]);
  return { name: stringOf(definition["name"]), kind, schema: objectOf(definition["parameters"]) };
}
