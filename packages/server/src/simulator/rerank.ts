import type { Failure } from "./failure.ts";
import { fieldFailure, invalidType, limitFailure, missing } from "./openai.ts";
import { tokensOf } from "./reply.ts";
import type { Call, Service } from "./vendor.ts";
import { isInteger, isObject, type JsonObject, stringOf } from "./wire.ts";

const jinaFields = new Set(["model", "query", "documents", "top_n", "return_documents", "truncation"]);

/** As Jina has it, and engines of one's own after it: https://jina.ai/reranker */
export const jinaRerank: Service = {
  house: "openai",
  takes: "json",
  check: (call) => fieldFailure(call.body, jinaFields) ?? rerankFailure(call),
  serve({ call: { body, bytes }, script }) {
    const shown = body["return_documents"] !== false;
    const results = ranked(body).map(({ index, score, text }) => ({
      index,
      relevance_score: score,
      ...(shown && { document: { text } }),
    }));
    const total = script.usage?.input ?? tokensOf(bytes.length);
    return { json: { model: body["model"], object: "list", usage: { total_tokens: total }, results } };
  },
};

const cohereFields = new Set(["model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"]);
/** A search unit is a query with so many documents. */
const documentsPerUnit = 100;

/** https://docs.cohere.com/reference/rerank */
export const cohereRerank: Service = {
  house: "cohere",
  takes: "json",
  check: (call) => fieldFailure(call.body, cohereFields) ?? rerankFailure(call),
  serve({ call: { body }, nextId }) {
    const results = ranked(body).map(({ index, score }) => ({ index, relevance_score: score }));
    const units = Math.ceil(documentsOf(body).length / documentsPerUnit);
    const meta = { api_version: { version: "2" }, billed_units: { search_units: units } };
    return { json: { id: nextId("rerank-", 24), results, meta } };
  },
};

function rerankFailure({ body }: Call): Failure | undefined {
  const { query, documents } = body;
  if (query === undefined) return missing("query");
  if (typeof query !== "string") return invalidType("query", "a string");
  if (!Array.isArray(documents) || documents.length === 0) return invalidType("documents", "an array of documents");
  return limitFailure(body, "top_n", 1);
}

function documentsOf({ documents }: JsonObject): readonly string[] {
  if (!Array.isArray(documents)) return [];
  return documents.map((one: unknown) => (isObject(one) ? stringOf(one["text"]) : stringOf(one)));
}

/** By how many words of the query a document has, the best first. */
function ranked(
  body: JsonObject,
): readonly { readonly index: number; readonly score: number; readonly text: string }[] {
  const words = new Set(stringOf(body["query"]).toLowerCase().split(/\W+/));
  const scored = documentsOf(body).map((text, index) => {
    const found = text
      .toLowerCase()
      .split(/\W+/)
      .filter((word) => words.has(word)).length;
    return { index, score: found / words.size, text };
  });
  const best = scored.toSorted((one, other) => other.score - one.score);
  return isInteger(body["top_n"]) ? best.slice(0, body["top_n"]) : best;
}
