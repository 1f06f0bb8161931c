import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { invalid, listAt, objectAt, optionalCount, optionalText, present, textAt } from "../canonical/wire.ts";
import { counter, field } from "../counter.ts";
import { brokenVectors, type EmbeddingCodec, type EmbeddingRequest, type EmbeddingTask } from "./embedding.ts";
import { createReplyReader, createStreamReader } from "../gemini/usage.ts";
import { allVectors } from "./vectors.ts";
import { nameInAddress } from "../name-in-address.ts";

/** https://ai.google.dev/api/embeddings: one content, or a batch of them. */
export const geminiEmbeddings: EmbeddingCodec = {
  id: "gemini",
  usage: { body: createReplyReader, stream: createStreamReader },

  decodeRequest(body, path) {
    const losses = new Losses();
    const isBatch = path.endsWith(":batchEmbedContents");
    const asked = isBatch ? decodeBatch(body, losses) : [decodeOne(body, "", losses)];
    const [first] = asked;
    if (first === undefined) throw invalid("requests", "must not be empty");
    if (asked.some(({ dimensions, task }) => dimensions !== first.dimensions || task !== first.task)) {
      throw invalid("requests", "must all have the same `taskType` and `outputDimensionality`; send others apart");
    }
    const { dimensions, task } = first;
    const inputs = asked.map(({ input }) => input);
    return {
      request: present({ inputs, format: "float" as const, dimensions, task }),
      losses: losses.list,
      echo: { batch: isBatch },
    };
  },

  encodeRequest({ inputs, dimensions, task }, model) {
    const stated = { taskType: task && taskNames[task], outputDimensionality: dimensions };
    const requests = inputs.map((text) => {
      return present({ model: `models/${model}`, content: { parts: [{ text }] }, ...stated });
    });
    return { body: { requests }, path: `/models/${nameInAddress(model)}:batchEmbedContents`, losses: [] };
  },

  decodeReply(body, inputs) {
    const { embeddings, embedding } = body;
    const list: readonly unknown[] = Array.isArray(embeddings)
      ? embeddings
      : embedding === undefined
        ? []
        : [embedding];
    if (list.length === 0) return brokenVectors("has no `embeddings`");
    const vectors = allVectors(
      list.map((one) => field(one, "values")),
      inputs,
    );
    return "kind" in vectors ? vectors : { vectors, tokens: counter(body, "usageMetadata", "promptTokenCount") };
  },

  encodeReply({ vectors, tokens }, { echo }) {
    const embeddings = vectors.map((values) => ({ values }));
    const usage = tokens === undefined ? {} : { usageMetadata: { promptTokenCount: tokens, totalTokenCount: tokens } };
    return echo["batch"] === true ? { embeddings, ...usage } : { embedding: embeddings[0], ...usage };
  },
};

type Asked = Pick<EmbeddingRequest, "dimensions" | "task"> & { readonly input: string };

function decodeBatch(body: JsonObject, losses: Losses): readonly Asked[] {
  if (body["requests"] === undefined) throw new AppError("missing_field", { field: "requests" });
  return listAt(body["requests"], "requests").map((request, index) => {
    return decodeOne(objectAt(request, `requests[${index}]`), `requests[${index}].`, losses);
  });
}

/** Fields have two spellings in Google's JSON. */
function decodeOne(body: JsonObject, path: string, losses: Losses): Asked {
  const { model: _model, content, taskType, task_type, outputDimensionality, output_dimensionality, ...rest } = body;
  for (const [key, value] of Object.entries(rest)) {
    if (value !== null && value !== "") losses.dropped(key, "only Gemini has it");
  }
  const dimensions = optionalCount(outputDimensionality ?? output_dimensionality, `${path}outputDimensionality`);
  return present({
    input: decodeContent(content, `${path}content`),
    dimensions: dimensions === 0 ? undefined : dimensions,
    task: decodeTask(optionalText(taskType ?? task_type, `${path}taskType`), losses),
  });
}

function decodeContent(content: unknown, path: string): string {
  if (content === undefined || content === null) throw new AppError("missing_field", { field: path });
  const parts = listAt(objectAt(content, path)["parts"], `${path}.parts`).map((part, index) => {
    const { text } = objectAt(part, `${path}.parts[${index}]`);
    if (text === undefined) throw invalid(`${path}.parts[${index}]`, "must be text: this model embeds nothing else");
    return textAt(text, `${path}.parts[${index}].text`);
  });
  const text = parts.join("");
  if (text === "") throw invalid(path, "must not be empty");
  return text;
}

const taskNames: Readonly<Record<EmbeddingTask, string>> = {
  query: "RETRIEVAL_QUERY",
  document: "RETRIEVAL_DOCUMENT",
  similarity: "SEMANTIC_SIMILARITY",
  classification: "CLASSIFICATION",
  clustering: "CLUSTERING",
  question: "QUESTION_ANSWERING",
  fact: "FACT_VERIFICATION",
  code_query: "CODE_RETRIEVAL_QUERY",
};
const taskByName = new Map(Object.entries(taskNames).map(([task, name]) => [name, task as EmbeddingTask]));

function decodeTask(name: string | undefined, losses: Losses): EmbeddingTask | undefined {
  if (name === undefined || name === "" || name === "TASK_TYPE_UNSPECIFIED") return undefined;
  const task = taskByName.get(name.toUpperCase());
  if (task === undefined) losses.dropped("taskType", "no other provider knows it");
  return task;
}
