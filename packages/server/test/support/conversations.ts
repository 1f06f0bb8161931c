/**
 * Two-turn conversations as clients of each dialect have them: a question with a tool, the model's call, its result, and the
 * answer. What a client keeps of a reply it sends back as it came.
 */
import type { DialectId } from "../behaviour/ask.ts";

type Wire = Readonly<Record<string, unknown>>;

/** The call of a tool, as a client reads it out of a reply. */
export interface Called {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export interface Speaker {
  /** A request with one user message and the tool `get_weather`. */
  ask(text: string): Wire;
  calls(reply: Wire): readonly Called[];
  text(reply: Wire): string;
  /** The same conversation with the reply and a result for each of its calls. */
  goOn(request: Wire, reply: Wire, result: string): Wire;
  /** Of the reply's usage: all of the input, and all of the output. */
  usage(reply: Wire): readonly [input: number, output: number];
}

const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city"],
};
const tool = { name: "get_weather", description: "The weather in a city" };

// Replies are looked into as a client would: what is not there is undefined, and the test fails.
// oxlint-disable-next-line typescript/no-explicit-any
const at = (value: unknown): any => value;

const list = (value: unknown): readonly Wire[] => (Array.isArray(value) ? (value as readonly Wire[]) : []);
const joined = (parts: readonly unknown[]): string => parts.filter((part) => typeof part === "string").join("");

const anthropic: Speaker = {
  ask: (text) => ({
    max_tokens: 2_000,
    messages: [{ role: "user", content: text }],
    tools: [{ ...tool, input_schema: schema }],
  }),
  calls: (reply) =>
    list(reply["content"])
      .filter((block) => block["type"] === "tool_use")
      .map((block) => ({ id: String(block["id"]), name: String(block["name"]), input: block["input"] })),
  text: (reply) => joined(list(reply["content"]).map((block) => block["text"])),
  goOn(request, reply, result) {
    const results = this.calls(reply).map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: result }));
    const turns = [
      { role: "assistant", content: reply["content"] },
      { role: "user", content: results },
    ];
    return { ...request, messages: [...list(request["messages"]), ...turns] };
  },
  usage(reply) {
    const usage = at(reply["usage"]);
    const cache = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
    return [usage.input_tokens + cache, usage.output_tokens];
  },
};

const chat: Speaker = {
  ask: (text) => ({
    messages: [{ role: "user", content: text }],
    tools: [{ type: "function", function: { ...tool, parameters: schema } }],
  }),
  calls: (reply) =>
    list(at(reply).choices[0].message.tool_calls).map((call) => ({
      id: String(call["id"]),
      name: at(call).function.name,
      input: JSON.parse(at(call).function.arguments),
    })),
  text: (reply) => at(reply).choices[0].message.content ?? "",
  goOn(request, reply, result) {
    const results = this.calls(reply).map(({ id }) => ({ role: "tool", tool_call_id: id, content: result }));
    return { ...request, messages: [...list(request["messages"]), at(reply).choices[0].message, ...results] };
  },
  usage: (reply) => [at(reply).usage.prompt_tokens, at(reply).usage.completion_tokens],
};

const responses: Speaker = {
  ask: (text) => ({
    input: [{ role: "user", content: text }],
    tools: [{ type: "function", ...tool, parameters: schema, strict: false }],
    store: false,
  }),
  calls: (reply) =>
    list(reply["output"])
      .filter((item) => item["type"] === "function_call")
      .map((item) => ({
        id: String(item["call_id"]),
        name: String(item["name"]),
        input: JSON.parse(String(item["arguments"])),
      })),
  text: (reply) => joined(list(reply["output"]).flatMap((item) => list(item["content"]).map((part) => part["text"]))),
  goOn(request, reply, result) {
    const results = this.calls(reply).map(({ id }) => ({ type: "function_call_output", call_id: id, output: result }));
    return { ...request, input: [...list(request["input"]), ...list(reply["output"]), ...results] };
  },
  usage: (reply) => [at(reply).usage.input_tokens, at(reply).usage.output_tokens],
};

const partsOf = (reply: Wire): readonly Wire[] => list(at(reply).candidates[0].content?.parts);

const gemini: Speaker = {
  ask: (text) => ({
    contents: [{ role: "user", parts: [{ text }] }],
    tools: [{ functionDeclarations: [{ ...tool, parametersJsonSchema: schema }] }],
  }),
  calls: (reply) =>
    partsOf(reply)
      .filter((part) => part["functionCall"] !== undefined)
      .map((part) => at(part).functionCall)
      .map(({ id, name, args }) => ({ id, name, input: args })),
  text: (reply) => joined(partsOf(reply).map((part) => (part["thought"] === true ? "" : part["text"]))),
  goOn(request, reply, result) {
    const results = this.calls(reply).map(({ id, name }) => ({
      functionResponse: { id, name, response: { output: result } },
    }));
    const turns = [
      { role: "model", parts: partsOf(reply) },
      { role: "user", parts: results },
    ];
    return { ...request, contents: [...list(request["contents"]), ...turns] };
  },
  usage(reply) {
    const usage = at(reply)["usageMetadata"];
    return [usage.promptTokenCount, (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0)];
  },
};

const ollama: Speaker = {
  ask: (text) => ({
    messages: [{ role: "user", content: text }],
    tools: [{ type: "function", function: { ...tool, parameters: schema } }],
  }),
  calls: (reply) =>
    list(at(reply).message.tool_calls).map((call) => ({
      id: String(call["id"] ?? ""),
      name: at(call).function.name,
      input: at(call).function.arguments,
    })),
  text: (reply) => at(reply).message.content,
  goOn(request, reply, result) {
    const results = this.calls(reply).map(({ name }) => ({ role: "tool", tool_name: name, content: result }));
    return { ...request, messages: [...list(request["messages"]), at(reply).message, ...results] };
  },
  usage: (reply) => [at(reply).prompt_eval_count, at(reply).eval_count],
};

export const speakers: Readonly<Record<DialectId, Speaker>> = {
  "anthropic-messages": anthropic,
  gemini,
  ollama,
  "openai-chat": chat,
  "openai-responses": responses,
};
