/** How each dialect's providers say that the model refused, in words of its own. Ollama's have no way to. */
import type { Script } from "../../src/simulator/index.ts";
import type { DialectId } from "../behaviour/ask.ts";

export const refusalWords = "I cannot help with that.";

interface Refusal {
  readonly whole: Script;
  readonly streamed: Script;
}

const sse = "text/event-stream";
const named = (events: readonly { readonly type: string }[]): Script => ({
  contentType: sse,
  body: events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""),
});
const unnamed = (events: readonly (object | string)[]): Script => ({
  contentType: sse,
  body: events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join(""),
});
const json = (body: object): Script => ({ body: JSON.stringify(body) });

function anthropic(): Refusal {
  const usage = { input_tokens: 12, output_tokens: 6 };
  const head = { id: "msg_1", type: "message", role: "assistant", model: "claude", stop_sequence: null };
  const ending = {
    stop_reason: "refusal",
    stop_details: { type: "refusal", category: "cyber", explanation: "Not allowed." },
  };
  const text = { type: "text", text: refusalWords };
  return {
    whole: json({ ...head, ...ending, content: [text], usage }),
    streamed: named([
      { type: "message_start", message: { ...head, content: [], stop_reason: null, usage } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: refusalWords } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { ...ending, stop_sequence: null }, usage },
      { type: "message_stop" },
    ] as { readonly type: string }[]),
  };
}

function chat(): Refusal {
  const head = { id: "chatcmpl-1", created: 1_763_000_000, model: "gpt" };
  const chunk = (delta: object, finish_reason: string | null = null): object => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason }],
  });
  const message = { role: "assistant", content: null, refusal: refusalWords };
  const usage = { prompt_tokens: 12, completion_tokens: 6, total_tokens: 18 };
  return {
    whole: json({ ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage }),
    streamed: unnamed([
      chunk({ role: "assistant", content: null, refusal: "" }),
      chunk({ refusal: refusalWords.slice(0, 9) }),
      chunk({ refusal: refusalWords.slice(9) }),
      chunk({}, "stop"),
      { ...head, object: "chat.completion.chunk", choices: [], usage },
      "[DONE]",
    ]),
  };
}

function responses(): Refusal {
  const part = { type: "refusal", refusal: refusalWords };
  const item = { type: "message", id: "msg_1", role: "assistant", status: "completed", content: [part] };
  const head = { id: "resp_1", object: "response", created_at: 1_763_000_000, model: "gpt", error: null };
  const usage = { input_tokens: 12, output_tokens: 6, total_tokens: 18 };
  const whole = { ...head, status: "completed", output: [item], usage };
  const at = { item_id: "msg_1", output_index: 0, content_index: 0 };
  const events = [
    { type: "response.created", response: { ...head, status: "in_progress", output: [], usage: null } },
    { type: "response.output_item.added", output_index: 0, item: { ...item, status: "in_progress", content: [] } },
    { type: "response.content_part.added", ...at, part: { type: "refusal", refusal: "" } },
    { type: "response.refusal.delta", ...at, delta: refusalWords },
    { type: "response.refusal.done", ...at, refusal: refusalWords },
    { type: "response.content_part.done", ...at, part },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.completed", response: whole },
  ];
  return {
    whole: json(whole),
    streamed: named(events.map((event, index) => ({ ...event, sequence_number: index }))),
  };
}

function gemini(): Refusal {
  const usageMetadata = { promptTokenCount: 12, candidatesTokenCount: 6, totalTokenCount: 18 };
  const content = { role: "model", parts: [{ text: refusalWords }] };
  const end = { modelVersion: "gemini", responseId: "r1", usageMetadata };
  return {
    whole: json({ candidates: [{ content, finishReason: "SAFETY", index: 0 }], ...end }),
    streamed: unnamed([
      { candidates: [{ content, index: 0 }], ...end },
      { candidates: [{ content: { role: "model", parts: [{ text: "" }] }, finishReason: "SAFETY", index: 0 }], ...end },
    ]),
  };
}

export const refusals: Readonly<Record<DialectId, Refusal | undefined>> = {
  "anthropic-messages": anthropic(),
  gemini: gemini(),
  ollama: undefined,
  "openai-chat": chat(),
  "openai-responses": responses(),
};
