import { createHash } from "node:crypto";
import { pretty } from "./gemini.ts";
import { invalid, shapeFailure } from "./gemini-shape.ts";
import type { Failure } from "./failure.ts";
import { tokensOf } from "./reply.ts";
import type { Page } from "./vendor.ts";
import { firstOf, isInteger, type JsonObject, objectOf, objectsOf, stringOf } from "./wire.ts";

const post = { house: "google", method: "POST" } as const;

/** What is asked of a model and answered with one document, by the word behind the last colon. */
export const actionPages: Readonly<Record<string, (model: string) => Page>> = {
  countTokens: () => ({
    ...post,
    check: ({ body }) => shapeFailure("CountTokensRequest", body),
    reply({ bytes }) {
      const totalTokens = tokensOf(bytes.length);
      return pretty({ totalTokens, promptTokensDetails: [{ modality: "TEXT", tokenCount: totalTokens }] });
    },
  }),
  embedContent: () => ({
    ...post,
    check: ({ body }) => shapeFailure("EmbedContentRequest", body) ?? embedFailure(body, "EmbedContentRequest"),
    reply: ({ body }) => pretty({ embedding: embeddingOf(body) }),
  }),
  batchEmbedContents: (model) => ({
    ...post,
    check: ({ body }) => shapeFailure("BatchEmbedContentsRequest", body) ?? batchFailure(body, model),
    reply: ({ body }) => pretty({ embeddings: objectsOf(body["requests"]).map(embeddingOf) }),
  }),
};

function embedFailure({ content }: JsonObject, name: string): Failure | undefined {
  return objectsOf(objectOf(content)["parts"]).length > 0
    ? undefined
    : invalid(`* ${name}.content: content is not specified\n`);
}

function batchFailure({ requests }: JsonObject, model: string): Failure | undefined {
  const name = "BatchEmbedContentsRequest.requests";
  if (objectsOf(requests).length === 0) return invalid(`* ${name}: requests is not specified\n`);
  return firstOf(objectsOf(requests), (request, index) => {
    if (request["model"] !== `models/${model}`)
      return invalid(`* ${name}[${index}].model: unexpected model name format\n`);
    return embedFailure(request, `${name}[${index}]`);
  });
}

/** The same content has the same vector. */
function embeddingOf(request: JsonObject): JsonObject {
  const digest = createHash("sha256").update(JSON.stringify(request["content"])).digest();
  const length = isInteger(request["outputDimensionality"], 1) ? request["outputDimensionality"] : 8;
  const values = Array.from({ length }, (_, index) => ((digest[index % digest.length] ?? 0) - 127.5) / 1000);
  return { values };
}

const models = [
  model("gemini-3-pro-preview", "Gemini 3 Pro Preview", 65_536, ["generateContent", "countTokens"]),
  model("gemini-2.5-flash", "Gemini 2.5 Flash", 65_536, ["generateContent", "countTokens"]),
  model("gemini-embedding-001", "Gemini Embedding 001", 1, ["embedContent"]),
];

function model(id: string, displayName: string, outputTokenLimit: number, methods: readonly string[]): JsonObject {
  return {
    name: `models/${id}`,
    version: "001",
    displayName,
    inputTokenLimit: 1_048_576,
    outputTokenLimit,
    supportedGenerationMethods: methods,
  };
}

/** The list, in pages of the size that the query asks for. */
export function modelPage(query: URLSearchParams): Page {
  const size = Number(query.get("pageSize") ?? 50);
  const from = Number(query.get("pageToken") ?? 0);
  const behind = from + size;
  const next = behind < models.length ? { nextPageToken: String(behind) } : {};
  const check = (): Failure | undefined => (size > 0 ? undefined : invalid("page_size must be positive"));
  return {
    house: "google",
    method: "GET",
    check,
    reply: () => pretty({ models: models.slice(from, behind), ...next }),
  };
}

export function oneModelPage(id: string): Page {
  const found = models.find(({ name }) => stringOf(name) === `models/${id}`);
  const missing = { status: 404, message: `models/${id} is not found for API version v1beta.` };
  return {
    house: "google",
    method: "GET",
    check: () => (found === undefined ? missing : undefined),
    reply: () => pretty(found ?? {}),
  };
}
