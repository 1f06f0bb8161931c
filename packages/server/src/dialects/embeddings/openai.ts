import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { invalid, isObject, optionalCount, optionalText, present, textAt } from "../canonical/wire.ts";
import { counter } from "../counter.ts";
import { brokenVectors, type EmbeddingCodec, type EmbeddingTask, type VectorFormat } from "./embedding.ts";
import { createEmbeddingsReader } from "../openai-chat/embeddings.ts";
import { createStreamReader } from "../openai-chat/usage.ts";
import { allVectors, base64OfVector } from "./vectors.ts";

/** https://platform.openai.com/docs/api-reference/embeddings */
export const openaiEmbeddings: EmbeddingCodec = {
  id: "openai-chat",
  usage: { body: createEmbeddingsReader, stream: createStreamReader },

  decodeRequest(body) {
    const { model: _model, input, encoding_format, dimensions, user, input_type, ...rest } = body;
    const losses = new Losses();
    if (typeof user === "string") losses.hint("user", "only OpenAI is told who asks");
    for (const [key, value] of Object.entries(rest)) {
      if (value !== null) losses.dropped(key, "other providers of embeddings have none");
    }
    const request = present({
      inputs: decodeInput(input),
      dimensions: optionalCount(dimensions, "dimensions"),
      format: decodeFormat(encoding_format),
      task: decodeTask(input_type, losses),
    });
    return { request, losses: losses.list, echo: {} };
  },

  encodeRequest({ inputs, dimensions, task }, model) {
    const losses = new Losses();
    if (task !== undefined) losses.dropped("task", "the provider is not told what the vectors are for");
    return { body: present({ model, input: inputs, dimensions }), path: "/embeddings", losses: losses.list };
  },

  decodeReply(body, inputs) {
    const { data, usage } = body;
    if (!Array.isArray(data)) return brokenVectors("has no `data`");
    const vectors = allVectors(
      inOrder(data.filter(isObject)).map((item) => item["embedding"]),
      inputs,
    );
    if ("kind" in vectors) return vectors;
    return { vectors, tokens: counter(usage, "prompt_tokens") ?? counter(usage, "total_tokens") };
  },

  encodeReply({ vectors, tokens }, { model, format, estimatedInput }) {
    const data = vectors.map((vector, index) => {
      return { object: "embedding", index, embedding: format === "base64" ? base64OfVector(vector) : vector };
    });
    const count = tokens ?? estimatedInput;
    return { object: "list", data, model, usage: { prompt_tokens: count, total_tokens: count } };
  },
};

function decodeInput(input: unknown): readonly string[] {
  if (input === undefined || input === null) throw new AppError("missing_field", { field: "input" });
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (list.some((one) => typeof one === "number" || Array.isArray(one))) {
    throw invalid("input", "holds tokens, which mean something to one model only; this one wants text");
  }
  const texts = list.map((one, index) => textAt(one, Array.isArray(input) ? `input[${index}]` : "input"));
  if (texts.length === 0 || texts.includes("")) throw invalid("input", "must not be empty, and hold no empty text");
  return texts;
}

function decodeFormat(format: unknown): VectorFormat {
  const stated = optionalText(format, "encoding_format") ?? "float";
  if (stated === "float" || stated === "base64") return stated;
  throw invalid("encoding_format", 'must be "float" or "base64"');
}

/** Voyage, Cohere and NVIDIA have this beside OpenAI's fields. */
const tasks: Readonly<Record<string, EmbeddingTask>> = {
  query: "query",
  document: "document",
  passage: "document",
  search_query: "query",
  search_document: "document",
  classification: "classification",
  clustering: "clustering",
};

function decodeTask(type: unknown, losses: Losses): EmbeddingTask | undefined {
  if (type === undefined || type === null) return undefined;
  const task = typeof type === "string" && Object.hasOwn(tasks, type) ? tasks[type] : undefined;
  if (task === undefined) losses.dropped("input_type", "no other provider knows it");
  return task;
}

/** By their `index`; those without one stay where they stand. */
function inOrder(data: readonly JsonObject[]): readonly JsonObject[] {
  const place = (item: JsonObject, index: number): number => counter(item, "index") ?? index;
  return data
    .map((item, index) => ({ item, at: place(item, index) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ item }) => item);
}
