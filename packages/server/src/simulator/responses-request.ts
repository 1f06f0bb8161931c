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
import { type Ask, isThoughtSeal } from "./reply.ts";
import type { OfferedTool } from "./tools.ts";
import type { Failure } from "./failure.ts";
import type { Call } from "./vendor.ts";
import { firstOf, isInteger, isObject, type JsonObject, objectOf, objectsOf, stringOf, textsOf } from "./wire.ts";

/** Request fields of the Responses API: https://platform.openai.com/docs/api-reference/responses/create */
const fields = new Set(
  (
    "access_programs background client_metadata context_management conversation image include input instructions max_output_tokens " +
    "max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options " +
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text tool_choice tools " +
    "top_logprobs top_p truncation user"
  ).split(" "),
);

const roles = ["assistant", "system", "developer", "user"];
const parts = ["input_text", "input_image", "input_file", "input_audio", "output_text", "refusal"];

const itemTypes = (
  "message reasoning function_call function_call_output custom_tool_call custom_tool_call_output additional_tools agent_message " +
  "apply_patch_call apply_patch_call_output code_interpreter_call compaction compaction_trigger computer_call computer_call_output " +
  "configuration_update file_search_call image_generation_call item_reference local_shell_call local_shell_call_output " +
  "mcp_approval_request mcp_approval_response mcp_call mcp_list_tools program program_output shell_call shell_call_output " +
  "tool_search_call tool_search_output web_search_call"
).split(" ");

const toolTypes = (
  "function custom namespace apply_patch code_interpreter computer computer_use_preview file_search image_generation local_shell mcp " +
  "programmatic_tool_calling shell tool_search web_search web_search_preview"
).split(" ");

/** What the Responses API would object to. `openCalls` are the calls that the previous response, if one is named, has made. */
export function responsesFailure({ body }: Call, openCalls: readonly string[]): Failure | undefined {
  return (
    fieldFailure(body, fields) ??
    limitFailure(body, "max_output_tokens", 16) ??
    toolListFailure(body["tools"], "tools") ??
    inputFailure(body["input"], openCalls)
  );
}

/** What makes the prompt; the counter of its tokens knows no other fields. */
const countedFields = new Set(
  (
    "conversation input instructions model parallel_tool_calls personality previous_response_id reasoning text tool_choice tools " +
    "truncation"
  ).split(" "),
);

/** What the counter would object to: https://platform.openai.com/docs/api-reference/responses/input-tokens */
export function countFailure({ body }: Call): Failure | undefined {
  const input = body["input"];
  return (
    fieldFailure(body, countedFields) ??
    toolListFailure(body["tools"], "tools") ??
    (input === undefined ? undefined : inputFailure(input, []))
  );
}

function toolListFailure(tools: unknown, where: string): Failure | undefined {
  if (tools === undefined || tools === null) return undefined;
  if (!Array.isArray(tools)) return invalidType(where, "an array of objects");
  return firstOf(tools, (tool: unknown, index) => {
    const at = `${where}[${index}]`;
    if (!isObject(tool)) return invalidType(at, "an object");
    const type = stringOf(tool["type"]);
    if (!toolTypes.includes(type))
      return tool["type"] === undefined ? missing(`${at}.type`) : invalidValue(`${at}.type`, tool["type"], toolTypes);
    if (type === "function") return functionFailure(tool, at);
    if ((type === "custom" || type === "namespace") && typeof tool["name"] !== "string") return missing(`${at}.name`);
    return type === "namespace" ? toolListFailure(tool["tools"], `${at}.tools`) : undefined;
  });
}

function inputFailure(input: unknown, openCalls: readonly string[]): Failure | undefined {
  if (input === undefined) return missing("input");
  if (typeof input === "string") return undefined;
  if (!Array.isArray(input)) return invalidType("input", "one of a string or array of objects");
  return (
    firstOf(input, itemFailure) ?? pairingFailure(objectsOf(input), openCalls) ?? reasoningFailure(objectsOf(input))
  );
}

function itemFailure(item: unknown, index: number): Failure | undefined {
  const where = `input[${index}]`;
  if (!isObject(item)) return invalidType(where, "an object");
  const type = item["type"] ?? "message";
  if (!itemTypes.includes(stringOf(type))) return invalidValue(`${where}.type`, type, itemTypes);
  switch (type) {
    case "message":
      return messageFailure(item, where);
    case "function_call":
      return callFailure(item, where, "arguments");
    case "custom_tool_call":
      return callFailure(item, where, "input");
    case "function_call_output":
    case "custom_tool_call_output":
      if (typeof item["call_id"] !== "string") return missing(`${where}.call_id`);
      return typeof item["output"] === "string" || Array.isArray(item["output"])
        ? undefined
        : missing(`${where}.output`);
    case "additional_tools":
      return toolListFailure(item["tools"], `${where}.tools`);
    default:
      return undefined;
  }
}

function messageFailure(item: JsonObject, where: string): Failure | undefined {
  if (!roles.includes(stringOf(item["role"]))) return invalidValue(`${where}.role`, item["role"], roles);
  const content = item["content"];
  if (typeof content === "string") return undefined;
  if (!Array.isArray(content))
    return content === undefined
      ? missing(`${where}.content`)
      : invalidType(`${where}.content`, "one of a string or array of objects");
  return firstOf(content, (part: unknown, at) => {
    const type = objectOf(part)["type"];
    return parts.includes(stringOf(type)) ? undefined : invalidValue(`${where}.content[${at}].type`, type, parts);
  });
}

function callFailure(item: JsonObject, where: string, inputField: string): Failure | undefined {
  const id = item["call_id"];
  if (typeof id !== "string") return missing(`${where}.call_id`);
  if (id.length > 64) {
    const message = `Invalid '${where}.call_id': string too long. Expected a string with maximum length 64, but got a string with length ${id.length} instead.`;
    return invalid(message, `${where}.call_id`, "string_above_max_length");
  }
  if (typeof item["name"] !== "string") return missing(`${where}.name`);
  return typeof item[inputField] === "string" ? undefined : invalidType(`${where}.${inputField}`, "a string");
}

/** Every call has an output after it, and every output a call before it. */
function pairingFailure(items: readonly JsonObject[], openCalls: readonly string[]): Failure | undefined {
  const open = new Set(openCalls);
  for (const item of items) {
    const id = stringOf(item["call_id"]);
    if (item["type"] === "function_call" || item["type"] === "custom_tool_call") open.add(id);
    const isOutput = item["type"] === "function_call_output" || item["type"] === "custom_tool_call_output";
    if (isOutput && !open.delete(id))
      return invalid(`No tool call found for function call output with call_id ${id}.`, "input");
  }
  const [unanswered] = open;
  return unanswered === undefined
    ? undefined
    : invalid(`No tool output found for function call ${unanswered}.`, "input");
}

/** Reasoning comes back unaltered, with the item that it led to right after it. */
function reasoningFailure(items: readonly JsonObject[]): Failure | undefined {
  return firstOf(items, (item, index) => {
    if (item["type"] !== "reasoning") return undefined;
    const sealed = item["encrypted_content"];
    if (typeof sealed === "string" && !isThoughtSeal(sealed)) {
      return invalid(
        "The encrypted content for the reasoning item could not be verified.",
        "input",
        "invalid_encrypted_content",
      );
    }
    const next = items[index + 1];
    const isOwn = next !== undefined && !stringOf(next["type"]).endsWith("_output") && next["role"] !== "user";
    return isOwn
      ? undefined
      : invalid(
          `Item '${stringOf(item["id"])}' of type 'reasoning' was provided without its required following item.`,
          "input",
        );
  });
}

export function readResponses({ body, bytes }: Call): Ask {
  const input = body["input"];
  const items = typeof input === "string" ? [{ role: "user", content: input }] : objectsOf(input);
  const lastAnswer = items.findLastIndex((item) => isModels(item));
  const fresh = items.slice(lastAnswer + 1);
  const effort = objectOf(body["reasoning"])["effort"];
  return {
    model: stringOf(body["model"]),
    stream: body["stream"] === true,
    text: fresh.flatMap((item) => (item["role"] === "user" ? textsOf(item["content"]) : [])).at(-1) ?? "",
    toolOutputs: fresh.flatMap((item) =>
      stringOf(item["type"]).endsWith("_output") ? [textsOf(item["output"]).join("\n")] : [],
    ),
    tools: [
      ...objectsOf(body["tools"]),
      ...items.flatMap((item) => (item["type"] === "additional_tools" ? objectsOf(item["tools"]) : [])),
    ].flatMap((tool) => offeredTools(tool)),
    toolChoice: choiceOf(body["tool_choice"]),
    thinks: isObject(body["reasoning"]) && effort !== "none",
    maxTokens: isInteger(body["max_output_tokens"]) ? body["max_output_tokens"] : undefined,
    prompt: promptTokens(bytes, lastAnswer >= 0 || typeof body["previous_response_id"] === "string"),
  };
}

/** Whether an item is the model's own: an answer, a thought, a call. */
function isModels(item: JsonObject): boolean {
  return item["role"] === "assistant" || item["type"] === "reasoning" || stringOf(item["type"]).endsWith("_call");
}

function offeredTools(tool: JsonObject, namespace?: string): readonly OfferedTool[] {
  const name = stringOf(tool["name"]);
  if (tool["type"] === "namespace") return objectsOf(tool["tools"]).flatMap((inner) => offeredTools(inner, name));
  if (tool["type"] !== "function" && tool["type"] !== "custom") return [];
  return [{ name, namespace, kind: tool["type"], schema: objectOf(tool["parameters"]) }];
}
