import { messagesFailure } from "./anthropic-check.ts";
import { readMessages } from "./anthropic-request.ts";
import { anthropicFailure } from "./failure.ts";
import { type Answer, piecesOf, sealThought, wordsOf } from "./reply.ts";
import type { ToolCall } from "./tools.ts";
import type { Rendering, Stream, Vendor } from "./vendor.ts";
import { type JsonObject, objectOf } from "./wire.ts";

/** Anthropic's Messages API: https://docs.claude.com/en/api/messages-streaming */
export const anthropicMessages: Vendor = {
  house: "anthropic",
  check: (call) => messagesFailure(call, "answer"),
  read: readMessages,
  reply(rendering) {
    const { answer } = rendering;
    return JSON.stringify(messageOf(rendering, contentOf(rendering), usageOf(answer), stopOf(answer)));
  },
  events: messageEvents,
};

function messageOf(
  rendering: Rendering,
  content: readonly unknown[],
  usage: JsonObject,
  stop: string | null,
): JsonObject {
  const { answer, nextId, withUsage } = rendering;
  return {
    model: answer.model,
    id: nextId("msg_01", 22),
    type: "message",
    role: "assistant",
    content,
    stop_reason: stop,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    ...(withUsage && { usage }),
  };
}

function contentOf(rendering: Rendering): readonly JsonObject[] {
  const { answer } = rendering;
  const content: JsonObject[] = [];
  const thought = shownThought(rendering);
  if (thought !== undefined) content.push({ type: "thinking", thinking: thought, signature: sealThought(thought) });
  if (answer.pieces.length > 0) content.push({ type: "text", text: answer.pieces.join("") });
  for (const call of answer.calls) content.push({ ...toolUse(call, rendering), input: inputOf(call) });
  return content;
}

/** With `display: "omitted"` a thought is sent empty, with its signature alone. */
function shownThought({ answer, body }: Rendering): string | undefined {
  if (answer.thought === undefined) return undefined;
  return objectOf(body["thinking"])["display"] === "omitted" ? "" : answer.thought;
}

/** A tool's arguments; a script may have broken them, which only a stream can show. */
function inputOf(call: ToolCall): JsonObject {
  try {
    return objectOf(JSON.parse(call.input));
  } catch {
    return {};
  }
}

function toolUse(call: ToolCall, { nextId }: Rendering): JsonObject {
  return { type: "tool_use", id: nextId("toolu_01", 22), name: call.name, input: {} };
}

function stopOf(answer: Answer): string {
  if (answer.cut) return "max_tokens";
  return answer.calls.length > 0 ? "tool_use" : "end_turn";
}

function usageOf({ usage }: Answer): JsonObject {
  return {
    ...deltaUsageOf(usage),
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    service_tier: "standard",
    speed: "standard",
    inference_geo: null,
  };
}

function deltaUsageOf(usage: Answer["usage"]): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    server_tool_use: null,
  };
}

function messageEvents(rendering: Rendering): Stream {
  const { answer, nextId, withUsage } = rendering;
  const started = { ...usageOf(answer), output_tokens: 1, output_tokens_details: null };
  const events = [event("message_start", { message: messageOf(rendering, [], started, null) })];
  const blocks = [
    ...thinkingBlock(rendering),
    ...textBlock(answer),
    ...answer.calls.map((call) => toolBlock(call, rendering)),
  ];
  blocks.forEach(({ start, deltas }, index) => {
    events.push(event("content_block_start", { index, content_block: start }));
    if (index === 0) events.push('event: ping\ndata: {"type": "ping"}\n\n');
    for (const delta of deltas) {
      const padding = " ".repeat((events.length * 7) % 16);
      events.push(
        `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":${delta}${padding}}\n\n`,
      );
    }
    events.push(event("content_block_stop", { index }));
  });
  const delta = { stop_reason: stopOf(answer), stop_sequence: null, stop_details: null, container: null };
  events.push(
    event("message_delta", { delta, ...(withUsage && { usage: deltaUsageOf(answer.usage) }) }),
    event("message_stop", {}),
  );
  return { events, failure: (failure) => event("error", anthropicFailure(failure, nextId("req_", 24))) };
}

interface Block {
  readonly start: JsonObject;
  /** JSON texts. */
  readonly deltas: readonly string[];
}

function thinkingBlock(rendering: Rendering): readonly Block[] {
  const thought = shownThought(rendering);
  if (thought === undefined) return [];
  const pieces = wordsOf(thought).map((piece) => `{"type":"thinking_delta","thinking":${JSON.stringify(piece)}}`);
  const signature = `{"type":"signature_delta","signature":${JSON.stringify(sealThought(thought))}}`;
  return [{ start: { type: "thinking", thinking: "", signature: "" }, deltas: [...pieces, signature] }];
}

function textBlock({ pieces }: Answer): readonly Block[] {
  if (pieces.length === 0) return [];
  return [
    {
      start: { type: "text", text: "" },
      deltas: pieces.map((piece) => `{"type":"text_delta","text":${JSON.stringify(piece)}}`),
    },
  ];
}

function toolBlock(call: ToolCall, rendering: Rendering): Block {
  const deltas = ["", ...piecesOf(call.input)].map(
    (piece) => `{"type":"input_json_delta","partial_json":${JSON.stringify(piece)}}`,
  );
  return { start: toolUse(call, rendering), deltas };
}

function event(type: string, data: JsonObject): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}
