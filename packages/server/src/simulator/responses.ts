import { obfuscation } from "./openai.ts";
import { openaiFailure } from "./failure.ts";
import { type Answer, piecesOf, sealThought, wordsOf } from "./reply.ts";
import { readResponses, responsesFailure } from "./responses-request.ts";
import type { ToolCall } from "./tools.ts";
import type { Rendering, Stream, Vendor } from "./vendor.ts";
import { type JsonObject, objectOf, stringOf } from "./wire.ts";

const rememberedResponses = 1000;

/**
 * OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses-streaming.
 * It remembers the calls that its last responses made, for requests that go on with `previous_response_id`.
 */
export function createResponses(): Vendor {
  const callsById = new Map<string, readonly string[]>();
  const remember = (response: JsonObject, output: readonly JsonObject[]): void => {
    if (response["store"] === false) return;
    const [oldest] = callsById.keys();
    if (callsById.size >= rememberedResponses && oldest !== undefined) callsById.delete(oldest);
    callsById.set(
      stringOf(response["id"]),
      output.flatMap((item) => (typeof item["call_id"] === "string" ? [item["call_id"]] : [])),
    );
  };
  return {
    house: "openai",
    check(call) {
      const previous = call.body["previous_response_id"];
      if (typeof previous !== "string") return responsesFailure(call, []);
      const openCalls = callsById.get(previous);
      if (openCalls !== undefined) return responsesFailure(call, openCalls);
      const message = `Previous response with id '${previous}' not found.`;
      return { status: 400, message, param: "previous_response_id", code: "previous_response_not_found" };
    },
    read: readResponses,
    reply(rendering) {
      const response = responseOf(rendering);
      const output = outputOf(rendering);
      remember(response, output);
      return JSON.stringify(finished(response, output, rendering));
    },
    events(rendering) {
      const response = responseOf(rendering);
      const output = outputOf(rendering);
      remember(response, output);
      return responseEvents(response, output, rendering);
    },
  };
}

/** The response object as it begins: the request's parameters with their defaults. */
function responseOf({ answer, body, nextId, createdSeconds }: Rendering): JsonObject {
  return {
    id: nextId("resp_", 48),
    object: "response",
    created_at: createdSeconds,
    status: "in_progress",
    background: false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body["instructions"] ?? null,
    max_output_tokens: body["max_output_tokens"] ?? null,
    max_tool_calls: null,
    model: answer.model,
    output: [],
    parallel_tool_calls: body["parallel_tool_calls"] ?? true,
    previous_response_id: body["previous_response_id"] ?? null,
    prompt_cache_key: body["prompt_cache_key"] ?? null,
    reasoning: { effort: null, summary: null, ...objectOf(body["reasoning"]) },
    safety_identifier: null,
    service_tier: "default",
    store: body["store"] ?? true,
    temperature: body["temperature"] ?? 1,
    text: { format: { type: "text" }, verbosity: "medium", ...objectOf(body["text"]) },
    tool_choice: body["tool_choice"] ?? "auto",
    tools: body["tools"] ?? [],
    top_logprobs: 0,
    top_p: body["top_p"] ?? 1,
    truncation: body["truncation"] ?? "disabled",
    usage: null,
    user: null,
    metadata: body["metadata"] ?? {},
  };
}

/** The response object as it ends, with the whole output. */
function finished(
  response: JsonObject,
  output: readonly JsonObject[],
  { answer, createdSeconds, withUsage }: Rendering,
): JsonObject {
  return {
    ...response,
    status: answer.cut ? "incomplete" : "completed",
    completed_at: answer.cut ? null : createdSeconds,
    incomplete_details: answer.cut ? { reason: "max_output_tokens" } : null,
    output,
    usage: withUsage ? usageOf(answer) : null,
  };
}

function usageOf({ usage }: Answer): JsonObject {
  const written = usage.cacheWrite + usage.cacheWrite1h;
  const input = usage.input + usage.cacheRead + written;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: written },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + usage.output,
  };
}

/** The finished output items. */
function outputOf(rendering: Rendering): readonly JsonObject[] {
  const { answer, nextId } = rendering;
  const output: JsonObject[] = [];
  if (answer.thought !== undefined) output.push(reasoningItem(answer.thought, rendering));
  if (answer.pieces.length > 0) {
    const phase = answer.calls.length > 0 ? "commentary" : "final_answer";
    const status = answer.cut ? "incomplete" : "completed";
    const part = { type: "output_text", annotations: [], logprobs: [], text: answer.pieces.join("") };
    output.push({ id: nextId("msg_", 48), type: "message", status, role: "assistant", phase, content: [part] });
  }
  for (const call of answer.calls) output.push(callItem(call, rendering));
  return output;
}

function reasoningItem(thought: string, { body, nextId }: Rendering): JsonObject {
  const wantsSummary = typeof objectOf(body["reasoning"])["summary"] === "string";
  const wantsSeal = Array.isArray(body["include"]) && body["include"].includes("reasoning.encrypted_content");
  return {
    id: nextId("rs_", 48),
    type: "reasoning",
    summary: wantsSummary ? [{ type: "summary_text", text: thought }] : [],
    ...(wantsSeal && { encrypted_content: sealThought(thought) }),
  };
}

function callItem(call: ToolCall, { nextId }: Rendering): JsonObject {
  const named = {
    call_id: nextId("call_", 24),
    name: call.name,
    ...(call.namespace !== undefined && { namespace: call.namespace }),
  };
  return call.kind === "custom"
    ? { id: nextId("ctc_", 48), type: "custom_tool_call", status: "completed", input: call.input, ...named }
    : { id: nextId("fc_", 48), type: "function_call", status: "completed", arguments: call.input, ...named };
}

function responseEvents(response: JsonObject, output: readonly JsonObject[], rendering: Rendering): Stream {
  const { answer, body } = rendering;
  const events: string[] = [];
  const emit = (type: string, data: JsonObject): void => {
    events.push(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: events.length, ...data })}\n\n`);
  };
  const pad = obfuscation(body["stream_options"]);
  const emitDeltas = (type: string, place: JsonObject, pieces: readonly string[]): void => {
    const fields = JSON.stringify(place).slice(1, -1);
    const before = `event: ${type}\ndata: {"type":"${type}","sequence_number":`;
    for (const piece of pieces)
      events.push(`${before}${events.length},${fields},"delta":${JSON.stringify(piece)}${pad(piece.length)}}\n\n`);
  };
  emit("response.created", { response });
  emit("response.in_progress", { response });
  output.forEach((item, index) => {
    emit("response.output_item.added", { output_index: index, item: { ...item, ...begun(item) } });
    emitItem({ item, place: { item_id: item["id"], output_index: index }, emit, emitDeltas, pieces: answer.pieces });
    emit("response.output_item.done", { output_index: index, item });
  });
  emit(answer.cut ? "response.incomplete" : "response.completed", { response: finished(response, output, rendering) });
  return {
    events,

    failure(failure, eventCount) {
      const { message, code } = objectOf(openaiFailure(failure)["error"]);
      const failed = { ...response, status: "failed", error: { code: code ?? "server_error", message } };
      return `event: response.failed\ndata: ${JSON.stringify({ type: "response.failed", sequence_number: eventCount, response: failed })}\n\n`;
    },
  };
}

/** What of an item is still empty when it is added. */
function begun(item: JsonObject): JsonObject {
  switch (item["type"]) {
    case "message":
      return { status: "in_progress", content: [] };
    case "function_call":
      return { status: "in_progress", arguments: "" };
    case "custom_tool_call":
      return { status: "in_progress", input: "" };
    default:
      return { summary: [] };
  }
}

interface ItemStream {
  readonly item: JsonObject;
  readonly place: JsonObject;
  readonly pieces: readonly string[];
  emit(type: string, data: JsonObject): void;
  emitDeltas(type: string, place: JsonObject, pieces: readonly string[]): void;
}

function emitItem(stream: ItemStream): void {
  const { item, place, emit, emitDeltas } = stream;
  switch (item["type"]) {
    case "message":
      return emitText(stream);
    case "function_call":
      emitDeltas("response.function_call_arguments.delta", place, piecesOf(stringOf(item["arguments"])));
      return emit("response.function_call_arguments.done", { ...place, arguments: item["arguments"] });
    case "custom_tool_call":
      emitDeltas("response.custom_tool_call_input.delta", place, piecesOf(stringOf(item["input"])));
      return emit("response.custom_tool_call_input.done", { ...place, input: item["input"] });
    default:
      return emitSummary(stream);
  }
}

function emitText({ place, pieces, emit, emitDeltas }: ItemStream): void {
  const at = { ...place, content_index: 0 };
  const text = pieces.join("");
  const part = { type: "output_text", annotations: [], logprobs: [] };
  emit("response.content_part.added", { ...at, part: { ...part, text: "" } });
  emitDeltas("response.output_text.delta", { ...at, logprobs: [] }, pieces);
  emit("response.output_text.done", { ...at, text, logprobs: [] });
  emit("response.content_part.done", { ...at, part: { ...part, text } });
}

function emitSummary({ item, place, emit, emitDeltas }: ItemStream): void {
  const [part] = Array.isArray(item["summary"]) ? item["summary"] : [];
  if (part === undefined) return;
  const at = { ...place, summary_index: 0 };
  const text = stringOf(objectOf(part)["text"]);
  emit("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
  emitDeltas("response.reasoning_summary_text.delta", at, wordsOf(text));
  emit("response.reasoning_summary_text.done", { ...at, text });
  emit("response.reasoning_summary_part.done", { ...at, part });
}
