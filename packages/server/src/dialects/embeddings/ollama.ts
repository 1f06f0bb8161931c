import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { invalid, optionalCount, present, textsAt } from "../canonical/wire.ts";
import { counter } from "../counter.ts";
import { brokenVectors, type EmbeddingCodec } from "./embedding.ts";
import { createReplyReader, createStreamReader } from "../ollama/usage.ts";
import { allVectors } from "./vectors.ts";

/** https://docs.ollama.com/api/embed, and `/api/embeddings`, which older clients call. */
export const ollamaEmbeddings: EmbeddingCodec = {
  id: "ollama",
  usage: { body: createReplyReader, stream: createStreamReader },

  decodeRequest(body, path) {
    const legacy = path.endsWith("/embeddings");
    const losses = new Losses();
    const { dimensions } = body;
    noteRest(body, losses);
    const request = present({
      inputs: decodeInput(body, legacy ? "prompt" : "input"),
      format: "float" as const,
      dimensions: optionalCount(dimensions, "dimensions") || undefined, // 0 is what the model has
    });
    return { request, losses: losses.list, echo: { legacy } };
  },

  encodeRequest({ inputs, dimensions, task }, model) {
    const losses = new Losses();
    if (task !== undefined) losses.dropped("task", "Ollama is not told what the vectors are for");
    return { body: present({ model, input: inputs, dimensions }), path: "/embed", losses: losses.list };
  },

  decodeReply(body, inputs) {
    const { embeddings, embedding } = body;
    const list: readonly unknown[] = Array.isArray(embeddings)
      ? embeddings
      : embedding === undefined
        ? []
        : [embedding];
    if (list.length === 0) return brokenVectors("has no `embeddings`");
    const vectors = allVectors(list, inputs);
    return "kind" in vectors ? vectors : { vectors, tokens: counter(body, "prompt_eval_count") };
  },

  /** Clients want the times and the count to be numbers. */
  encodeReply({ vectors, tokens }, { model, echo, estimatedInput }) {
    if (echo["legacy"] === true) return { embedding: vectors[0] };
    const prompt_eval_count = tokens ?? estimatedInput;
    return { model, embeddings: vectors, total_duration: 0, load_duration: 0, prompt_eval_count };
  },
};

/** The legacy address takes one text. */
function decodeInput(body: JsonObject, key: "input" | "prompt"): readonly string[] {
  const value = body[key];
  if (value === undefined || value === null) throw new AppError("missing_field", { field: key });
  if (key === "prompt" && typeof value !== "string") throw invalid(key, "must be a string");
  const texts = textsAt(value, key);
  if (texts.length === 0 || texts.includes("")) throw invalid(key, "must not be empty, and hold no empty text");
  return texts;
}

const known = new Set(["model", "input", "prompt", "dimensions"]);
const engineKeys = new Set(["keep_alive", "options"]);

function noteRest(body: JsonObject, losses: Losses): void {
  for (const [key, value] of Object.entries(body)) {
    if (known.has(key) || value === null) continue;
    if (engineKeys.has(key)) losses.hint(key, "only an Ollama engine is run so");
    else if (key !== "truncate") losses.dropped(key, "only Ollama has it");
    else if (value === true) losses.dropped(key, "a text that is too long is cut by an Ollama engine only");
  }
}
