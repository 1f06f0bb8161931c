/**
 * The vendors' own SDKs, one for each dialect and two for OpenAI's, each told the same question in its own words. What they give
 * back is what the SDK itself has put together: nothing of the wire is looked at.
 */
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { type GenerateContentConfig, type GenerateContentResponse, GoogleGenAI, type Part } from "@google/genai";
import { Ollama, type ChatResponse, type Message } from "ollama";
import OpenAI from "openai";
import { mostRounds, schema, toolDescription, toolName, type Question, type Sdk, type Way } from "./sdks.ts";

const wholeText = (parts: readonly (string | null | undefined)[]): string => parts.join("");

/** Some vendors refuse an empty list. */
const withSome = <Tool>(tools: Tool[]): { tools?: Tool[] } => (tools.length === 0 ? {} : { tools });

export function officialSdks({ url, key }: Way): readonly Sdk[] {
  return [anthropicSdk(url, key), chatSdk(url, key), responsesSdk(url, key), geminiSdk(url, key), ollamaSdk(url, key)];
}

function anthropicSdk(baseURL: string, apiKey: string): Sdk {
  const client = new Anthropic({ baseURL, apiKey, maxRetries: 0 });
  const base = ({ model, prompt, maxTokens, thinks }: Question) => ({
    model,
    max_tokens: maxTokens,
    messages: [{ role: "user" as const, content: prompt }],
    ...(thinks && { thinking: { type: "enabled" as const, budget_tokens: 1024 } }),
  });
  const tools = (names: readonly string[]) =>
    names.map((name) => ({ name, description: toolDescription, input_schema: { ...schema, required: ["city"] } }));
  return {
    name: "@anthropic-ai/sdk",
    dialect: "anthropic-messages",
    words: { end: /^end_turn$/, length: /^max_tokens$/, calls: /^tool_use$/, refusal: /^refusal$/ },
    reads: { thoughts: "always", cached: true, reasoning: true, refusals: true },
    async ask(question, streamed) {
      const body = { ...base(question), ...withSome(tools(question.tools)) };
      const { content, stop_reason, usage } = streamed
        ? await client.messages.stream(body).finalMessage()
        : await client.messages.create(body);
      const cached = usage.cache_read_input_tokens ?? 0;
      return {
        text: wholeText(content.map((block) => (block.type === "text" ? block.text : ""))),
        thought: wholeText(content.map((block) => (block.type === "thinking" ? block.thinking : ""))),
        calls: content.flatMap((block) =>
          block.type === "tool_use" ? [{ name: block.name, input: block.input as unknown }] : [],
        ),
        finish: String(stop_reason),
        usage: {
          input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
          output: usage.output_tokens,
          cached,
          reasoning: usage.output_tokens_details?.thinking_tokens,
        },
      };
    },
    async loop(question, streamed, run) {
      const runnable = betaTool({
        name: toolName,
        description: toolDescription,
        inputSchema: schema,
        run: (input) => run(input),
      });
      const runner = client.beta.messages.toolRunner({
        ...base(question),
        tools: [runnable],
        stream: streamed,
        thread: false,
        max_iterations: mostRounds,
      });
      const { content } = await runner.runUntilDone();
      return wholeText(content.map((block) => (block.type === "text" ? block.text : "")));
    },
  };
}

function chatSdk(url: string, apiKey: string): Sdk {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  const base = ({ model, prompt, maxTokens, thinks }: Question) => ({
    model,
    max_completion_tokens: maxTokens,
    messages: [{ role: "user" as const, content: prompt }],
    ...(thinks && { reasoning_effort: "medium" as const }),
  });
  const definition = { name: toolName, description: toolDescription, parameters: { ...schema, required: ["city"] } };
  return {
    name: "openai, chat completions",
    dialect: "openai-chat",
    words: { end: /^stop$/, length: /^length$/, calls: /^tool_calls$/, refusal: /^content_filter$/ },
    reads: { thoughts: "whole", cached: true, reasoning: true, refusals: true },
    async ask(question, streamed) {
      const body = {
        ...base(question),
        ...withSome(question.tools.map((name) => ({ type: "function" as const, function: { ...definition, name } }))),
      };
      const include = { stream_options: { include_usage: true } };
      const { choices, usage } = streamed
        ? await client.chat.completions.stream({ ...body, ...include, stream: true }).finalChatCompletion()
        : await client.chat.completions.create(body);
      const [choice] = choices;
      if (choice === undefined) throw new Error("there is no choice");
      const { message } = choice;
      return {
        text: wholeText([message.content, message.refusal]),
        thought: String((message as { readonly reasoning_content?: unknown }).reasoning_content ?? ""),
        calls: (message.tool_calls ?? []).flatMap((call) =>
          call.type === "function"
            ? [{ name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }]
            : [],
        ),
        finish: choice.finish_reason,
        usage: {
          input: usage?.prompt_tokens,
          output: usage?.completion_tokens,
          cached: usage?.prompt_tokens_details?.cached_tokens,
          reasoning: usage?.completion_tokens_details?.reasoning_tokens,
        },
      };
    },
    async loop(question, streamed, run) {
      const parse = (text: string): unknown => JSON.parse(text);
      const runnable = {
        type: "function" as const,
        function: { ...definition, parse, function: (input: unknown) => run(input) },
      };
      const body = { ...base(question), tools: [runnable] };
      const runner = streamed
        ? client.chat.completions.runTools({ ...body, stream: true }, { maxChatCompletions: mostRounds })
        : client.chat.completions.runTools(body, { maxChatCompletions: mostRounds });
      return (await runner.finalContent()) ?? "";
    },
  };
}

type Asked = OpenAI.Responses.ResponseCreateParamsNonStreaming;

function responsesSdk(url: string, apiKey: string): Sdk {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 });
  const base = ({ model, prompt, maxTokens, thinks }: Question): Asked => ({
    model,
    max_output_tokens: maxTokens,
    input: [{ role: "user", content: prompt }],
    store: false,
    ...(thinks && {
      reasoning: { effort: "medium", summary: "auto" },
      include: ["reasoning.encrypted_content"],
    }),
  });
  const tools = (names: readonly string[]): NonNullable<Asked["tools"]> =>
    names.map((name) => ({
      type: "function",
      name,
      description: toolDescription,
      parameters: { ...schema, required: ["city"] },
      strict: false,
    }));
  const send = (body: Asked, streamed: boolean): Promise<OpenAI.Responses.Response> =>
    streamed ? client.responses.stream({ ...body, stream: true }).finalResponse() : client.responses.create(body);
  const callsOf = ({ output }: OpenAI.Responses.Response) =>
    output.flatMap((item) => (item.type === "function_call" ? [item] : []));
  return {
    name: "openai, responses",
    dialect: "openai-responses",
    words: {
      end: /^completed$/,
      length: /^max_output_tokens$/,
      calls: /^completed$/,
      refusal: /^(refusal|content_filter)$/,
    },
    reads: { thoughts: "always", cached: true, reasoning: true, refusals: true },
    async ask(question, streamed) {
      const response = await send({ ...base(question), ...withSome(tools(question.tools)) }, streamed);
      if (response.status === "failed") throw new Error(`the response failed: ${String(response.error?.message)}`);
      const content = response.output.flatMap((item) => (item.type === "message" ? item.content : []));
      const refusal = wholeText(content.map((part) => (part.type === "refusal" ? part.refusal : "")));
      const summaries = response.output.flatMap((item) => (item.type === "reasoning" ? item.summary : []));
      return {
        text: response.output_text === "" ? refusal : response.output_text,
        thought: wholeText(summaries.map(({ text }) => text)),
        calls: callsOf(response).map((call) => ({
          name: call.name,
          input: JSON.parse(call.arguments) as unknown,
        })),
        finish: String(response.incomplete_details?.reason ?? (refusal === "" ? response.status : "refusal")),
        usage: {
          input: response.usage?.input_tokens,
          output: response.usage?.output_tokens,
          cached: response.usage?.input_tokens_details.cached_tokens,
          reasoning: response.usage?.output_tokens_details.reasoning_tokens,
        },
      };
    },
    // The SDK has no helper that runs tools here: its users append `output` and the results.
    async loop(question, streamed, run) {
      const asked = base(question);
      let input = asked.input as OpenAI.Responses.ResponseInput;
      for (let round = 0; round < mostRounds; round++) {
        const response = await send({ ...asked, tools: tools([toolName]), input }, streamed);
        const calls = callsOf(response);
        if (calls.length === 0) return response.output_text;
        const results = calls.map(({ call_id, arguments: text }) => ({
          type: "function_call_output" as const,
          call_id,
          output: run(JSON.parse(text)),
        }));
        input = [...input, ...(response.output as OpenAI.Responses.ResponseInput), ...results];
      }
      throw new Error("the model calls its tool for ever");
    },
  };
}

function geminiSdk(baseUrl: string, apiKey: string): Sdk {
  const client = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } });
  const base = ({ maxTokens, thinks }: Question): GenerateContentConfig => ({
    maxOutputTokens: maxTokens,
    ...(thinks && { thinkingConfig: { includeThoughts: true } }),
  });
  const tool = (names: readonly string[]) => ({
    functionDeclarations: names.map((name) => ({ name, description: toolDescription, parametersJsonSchema: schema })),
  });
  return {
    name: "@google/genai",
    dialect: "gemini",
    words: {
      end: /^STOP$/,
      length: /^MAX_TOKENS$/,
      calls: /^STOP$/,
      refusal: /^(SAFETY|PROHIBITED_CONTENT|BLOCKLIST)$/,
    },
    reads: { thoughts: "always", cached: true, reasoning: true, refusals: true },
    async ask(question, streamed) {
      const { model, prompt: contents } = question;
      const config = { ...base(question), ...(question.tools.length > 0 && { tools: [tool(question.tools)] }) };
      const chunks = streamed
        ? await gathered(await client.models.generateContentStream({ model, contents, config }))
        : [await client.models.generateContent({ model, contents, config })];
      const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
      const textOf = (thought: boolean): string =>
        wholeText(parts.map((part) => ((part.thought === true) === thought ? part.text : "")));
      const usage = chunks.at(-1)?.usageMetadata;
      const answered = usage?.candidatesTokenCount ?? 0;
      return {
        text: textOf(false),
        thought: textOf(true),
        calls: chunks.flatMap(callsOfChunk),
        finish: String(chunks.at(-1)?.candidates?.[0]?.finishReason),
        usage: {
          input: usage?.promptTokenCount,
          output: answered + (usage?.thoughtsTokenCount ?? 0),
          cached: usage?.cachedContentTokenCount,
          reasoning: usage?.thoughtsTokenCount,
        },
      };
    },
    async loop(question, streamed, run) {
      const callTool = (calls: readonly { readonly id?: string; readonly args?: object }[]): Promise<Part[]> =>
        Promise.resolve(
          calls.map(({ id, args }) => ({
            functionResponse: { ...(id !== undefined && { id }), name: toolName, response: { output: run(args) } },
          })),
        );
      const callable = { tool: () => Promise.resolve(tool([toolName])), callTool };
      const chat = client.chats.create({ model: question.model, config: { ...base(question), tools: [callable] } });
      if (!streamed) return (await chat.sendMessage({ message: question.prompt })).text ?? "";
      const chunks = await gathered(await chat.sendMessageStream({ message: question.prompt }));
      return wholeText(chunks.map(({ text }) => text));
    },
  };
}

async function gathered(stream: AsyncIterable<GenerateContentResponse>): Promise<readonly GenerateContentResponse[]> {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function callsOfChunk({ functionCalls }: GenerateContentResponse) {
  return (functionCalls ?? []).map(({ name, args }) => ({ name: name ?? "", input: args as unknown }));
}

function ollamaSdk(host: string, key: string): Sdk {
  const client = new Ollama({ host, headers: { authorization: `Bearer ${key}` } });
  const base = ({ model, maxTokens, thinks }: Question) => ({
    model,
    options: { num_predict: maxTokens },
    ...(thinks && { think: true }),
  });
  const tools = (names: readonly string[]) =>
    names.map((name) => ({
      type: "function",
      function: { name, description: toolDescription, parameters: { ...schema, required: ["city"] } },
    }));
  type Request = ReturnType<typeof base> & { readonly messages: Message[]; readonly tools?: ReturnType<typeof tools> };
  async function send(request: Request, streamed: boolean): Promise<ChatResponse> {
    if (!streamed) return client.chat({ ...request, stream: false });
    const message: Message = { role: "assistant", content: "", thinking: "", tool_calls: [] };
    let last: ChatResponse | undefined;
    for await (const part of await client.chat({ ...request, stream: true })) {
      message.content += part.message.content;
      message.thinking += part.message.thinking ?? "";
      message.tool_calls?.push(...(part.message.tool_calls ?? []));
      last = part;
    }
    if (last === undefined) throw new Error("the stream is empty");
    return { ...last, message };
  }
  return {
    name: "ollama",
    dialect: "ollama",
    words: { end: /^stop$/, length: /^length$/, calls: /^stop$/, refusal: /^stop$/ },
    reads: { thoughts: "always", cached: false, reasoning: false, refusals: true },
    async ask(question, streamed) {
      const messages = [{ role: "user", content: question.prompt }];
      const request = { ...base(question), messages, ...withSome(tools(question.tools)) };
      const { message, done_reason, prompt_eval_count, eval_count } = await send(request, streamed);
      return {
        text: message.content,
        thought: message.thinking ?? "",
        calls: (message.tool_calls ?? []).map((call) => ({
          name: call.function.name,
          input: call.function.arguments as unknown,
        })),
        finish: done_reason,
        usage: { input: prompt_eval_count, output: eval_count },
      };
    },
    // The SDK has no helper that runs tools: its users append the message and the results.
    async loop(question, streamed, run) {
      const messages: Message[] = [{ role: "user", content: question.prompt }];
      for (let round = 0; round < mostRounds; round++) {
        const { message } = await send({ ...base(question), messages, tools: tools([toolName]) }, streamed);
        if ((message.tool_calls ?? []).length === 0) return message.content;
        messages.push(message);
        for (const call of message.tool_calls ?? []) {
          messages.push({ role: "tool", tool_name: call.function.name, content: run(call.function.arguments) });
        }
      }
      throw new Error("the model calls its tool for ever");
    },
  };
}
