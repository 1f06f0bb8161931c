import { isoTime } from "../kernel/clock.ts";
import { ollamaFailure } from "./failure.ts";
import { chatFailure, generateFailure, readChat, readGenerate } from "./ollama-request.ts";
import { type Answer, wordsOf } from "./reply.ts";
import type { ToolCall } from "./tools.ts";
import type { Rendering, Stream, Vendor } from "./vendor.ts";
import { type JsonObject, objectOf, stringOf } from "./wire.ts";

/** https://docs.ollama.com/api/chat */
export const ollamaChat: Vendor = {
  house: "ollama",
  check: chatFailure,
  read: readChat,
  reply: (rendering) => JSON.stringify(wholeOf(rendering, chatShape)),
  events: (rendering) => linesOf(rendering, chatShape),
};

/** https://docs.ollama.com/api/generate */
export const ollamaGenerate: Vendor = {
  house: "ollama",
  check: generateFailure,
  read: readGenerate,
  reply: (rendering) => JSON.stringify(wholeOf(rendering, generateShape)),
  events: (rendering) => linesOf(rendering, generateShape),
};

/** Where an API keeps what the model said, and how it is asked for nothing. */
interface Shape {
  part(part: { readonly text: string; readonly thought?: string; readonly calls?: readonly JsonObject[] }): JsonObject;
  /** What only the last document has. */
  last(answer: Answer): JsonObject;
  isEmpty(body: JsonObject): boolean;
}

const chatShape: Shape = {
  part: ({ text, thought, calls }) => ({
    message: {
      role: "assistant",
      content: text,
      ...(thought !== undefined && { thinking: thought }),
      ...(calls !== undefined && calls.length > 0 && { tool_calls: calls }),
    },
  }),
  last: () => ({}),
  isEmpty: ({ messages }) => !Array.isArray(messages) || messages.length === 0,
};

const generateShape: Shape = {
  part: ({ text, thought }) => ({ response: text, ...(thought !== undefined && { thinking: thought }) }),
  last: ({ pieces }) => ({ context: [2, 105, ...pieces.map((piece) => 1000 + piece.length)] }),
  isEmpty: ({ prompt }) => stringOf(prompt) === "",
};

function wholeOf(rendering: Rendering, shape: Shape): JsonObject {
  const { answer, body } = rendering;
  if (shape.isEmpty(body)) return loaded(rendering, shape);
  const thought = answer.thought === undefined ? {} : { thought: answer.thought };
  const part = shape.part({ text: answer.pieces.join(""), ...thought, calls: callsOf(rendering) });
  return { ...headOf(rendering), ...part, ...endOf(rendering, shape) };
}

function linesOf(rendering: Rendering, shape: Shape): Stream {
  const { answer, body } = rendering;
  const line = (document: JsonObject): string => `${JSON.stringify(document)}\n`;
  const failure: Stream["failure"] = (reason) => line(ollamaFailure(reason));
  if (shape.isEmpty(body)) return { events: [line(loaded(rendering, shape))], failure };
  const calls = callsOf(rendering);
  const parts = [
    ...wordsOf(answer.thought ?? "").map((thought) => ({ text: "", thought })),
    ...answer.pieces.map((text) => ({ text })),
    ...(calls.length > 0 ? [{ text: "", calls }] : []),
  ];
  const events = parts.map((part) => line({ ...headOf(rendering), ...shape.part(part), done: false }));
  events.push(line({ ...headOf(rendering), ...shape.part({ text: "" }), ...endOf(rendering, shape) }));
  return { events, failure };
}

/** A request without a prompt loads the model, or unloads it. */
function loaded(rendering: Rendering, shape: Shape): JsonObject {
  const reason = rendering.body["keep_alive"] === 0 ? "unload" : "load";
  return { ...headOf(rendering), ...shape.part({ text: "" }), done_reason: reason, done: true };
}

function headOf({ answer, createdSeconds }: Rendering): JsonObject {
  return { model: answer.model, created_at: isoTime(createdSeconds * 1000).replace("Z", "482913Z") };
}

/** Times are in nanoseconds; counters of zero are left out, as by the engine itself. */
function endOf({ answer, withUsage }: Rendering, shape: Shape): JsonObject {
  const { input, cacheRead, cacheWrite, cacheWrite1h, output } = answer.usage;
  const prompt = input + cacheRead + cacheWrite + cacheWrite1h;
  return {
    done: true,
    done_reason: answer.cut ? "length" : "stop",
    ...shape.last(answer),
    total_duration: 91_000_000 + prompt * 310_000 + output * 21_000_000,
    load_duration: 91_000_000,
    ...(withUsage && prompt > 0 && { prompt_eval_count: prompt, prompt_eval_duration: prompt * 310_000 }),
    ...(withUsage && output > 0 && { eval_count: output, eval_duration: output * 21_000_000 }),
  };
}

function callsOf({ answer, nextId }: Rendering): readonly JsonObject[] {
  return answer.calls.map((call, index) => ({
    id: nextId("call_", 8).toLowerCase(),
    function: { index, name: call.name, arguments: argumentsOf(call) },
  }));
}

/** An object; a script's text that is none cannot be said here. */
function argumentsOf(call: ToolCall): JsonObject {
  try {
    return objectOf(JSON.parse(call.input));
  } catch {
    return {};
  }
}
