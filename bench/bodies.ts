/** The request and reply bodies of the exchanges: always the same bytes, so that runs can be compared. */

export type Dialect = "openai-chat" | "anthropic-messages";

/** What every request asks for, behind a provider's name that a gateway has to take off. */
export const model = "model-one";

const words =
  "the gateway reads a request once and hands it on while the vault keeps every key sealed until it is needed and no one else may look".split(
    " ",
  );

/** Text of words, lines and now and then a letter beyond ASCII; `seed` makes one differ from another. */
function prose(length: number, seed: number): string {
  let text = "";
  for (let index = seed; text.length < length; index += 1) {
    text +=
      index % 90 === 0
        ? "naïve façade – 東京 🏰 "
        : index % 17 === 0
          ? '"quoted"\n'
          : `${words[index % words.length]} `;
  }
  return text.slice(0, length).replace(/[\ud800-\udfff]$/, ""); // not half a letter at the end
}

/** A body of exactly so many bytes: `build` gets the text that fills it up. */
function fill(sizeBytes: number, build: (padding: string) => unknown): Buffer {
  const bare = Buffer.byteLength(JSON.stringify(build("")));
  return Buffer.from(JSON.stringify(build("x".repeat(sizeBytes - bare))));
}

/** 256 bytes: one short question, which both dialects ask in the same way. */
export function smallRequest(provider: string): Buffer {
  return fill(256, (padding) => ({
    model: `${provider}/${model}`,
    messages: [{ role: "user", content: `Say hello. ${padding}` }],
    max_tokens: 256,
  }));
}

/** 1,024 bytes, with usage. */
export function chatReply(): Buffer {
  return fill(1_024, (padding) => ({
    id: "chatcmpl-bench",
    object: "chat.completion",
    created: 1_700_000_000,
    model,
    choices: [{ index: 0, message: { role: "assistant", content: `A word of ${padding}` }, finish_reason: "stop" }],
    usage: { prompt_tokens: 60, completion_tokens: 200, total_tokens: 260 },
  }));
}

function codingTool(number: number): unknown {
  const parameter = (name: string) => [name, { type: "string", description: prose(160, number) }] as const;
  return {
    name: `tool_${number}`,
    description: prose(1_200, number * 7),
    input_schema: {
      type: "object",
      properties: Object.fromEntries(["file_path", "pattern", "content", "limit"].map(parameter)),
      required: ["file_path"],
      additionalProperties: false,
    },
  };
}

function codingTurn(number: number): unknown[] {
  const id = `toolu_bench_${number}`;
  const input = { file_path: `/home/user/project/src/part-${number}.ts` };
  return [
    {
      role: "assistant",
      content: [
        { type: "text", text: prose(200, number) },
        { type: "tool_use", id, name: `tool_${number % 18}`, input },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: prose(5_200, number * 31) }] },
  ];
}

/** The bytes of a turn, and of what comes before the first one. */
const turnBytes = 5_960;
const openingBytes = 56_000;

/** About so many bytes in the shape a coding agent sends: system blocks, 18 tools, tool calls and their results. */
export function codingRequest(provider: string, sizeBytes: number): Buffer {
  const turns = Math.max(1, Math.round((sizeBytes - openingBytes) / turnBytes));
  const body = {
    model: `${provider}/${model}`,
    messages: [
      { role: "user", content: [{ type: "text", text: prose(600, 1) }] },
      ...Array.from({ length: turns }, (_, index) => codingTurn(index)).flat(),
    ],
    system: [
      { type: "text", text: prose(200, 3) },
      { type: "text", text: prose(14_000, 5), cache_control: { type: "ephemeral" } },
    ],
    tools: Array.from({ length: 18 }, (_, index) => codingTool(index)),
    metadata: { user_id: "user_bench" },
    max_tokens: 32_000,
  };
  return Buffer.from(JSON.stringify(body));
}

/** 1,024 bytes, with usage. */
export function codingReply(): Buffer {
  return fill(1_024, (padding) => ({
    id: "msg_bench",
    type: "message",
    role: "assistant",
    model,
    content: [{ type: "text", text: `A word of ${padding}` }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage: {
      input_tokens: 45_000,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 40_000,
      output_tokens: 200,
    },
  }));
}

export function streamRequest(provider: string): Buffer {
  return fill(256, (padding) => ({
    model: `${provider}/${model}`,
    messages: [{ role: "user", content: `Count. ${padding}` }],
    max_tokens: 256,
    stream: true,
  }));
}

/** A stream of so many events, one text in each but for the few that open and close it. */
export function streamEvents(dialect: Dialect, count: number): string[] {
  return dialect === "openai-chat" ? chatEvents(count) : messagesEvents(count);
}

function messagesEvents(count: number): string[] {
  const event = (data: { readonly type: string; readonly [field: string]: unknown }): string =>
    `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
  const message = { id: "msg_bench", type: "message", role: "assistant", model, content: [], stop_reason: null };
  const usage = { input_tokens: 60, output_tokens: 1 };
  const delta = (index: number) =>
    event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: `word ${index} ` } });
  return [
    event({ type: "message_start", message: { ...message, usage } }),
    event({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }),
    ...Array.from({ length: count - 5 }, (_, index) => delta(index)),
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: count } }),
    event({ type: "message_stop" }),
  ];
}

/** With the usage event that a provider sends only to those who asked for it: gateways ask, or drop it again. */
function chatEvents(count: number): string[] {
  const head = { id: "chatcmpl-bench", object: "chat.completion.chunk", created: 1_700_000_000, model };
  const event = (data: Readonly<Record<string, unknown>>): string =>
    `data: ${JSON.stringify({ ...head, ...data })}\n\n`;
  const choice = (delta: unknown, reason: string | null) => ({ choices: [{ index: 0, delta, finish_reason: reason }] });
  return [
    event(choice({ role: "assistant", content: "" }, null)),
    ...Array.from({ length: count - 4 }, (_, index) => event(choice({ content: `word ${index} ` }, null))),
    event(choice({}, "stop")),
    event({ choices: [], usage: { prompt_tokens: 60, completion_tokens: count, total_tokens: 60 + count } }),
    "data: [DONE]\n\n",
  ];
}
