import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { Losses, type Loss } from "../canonical/loss.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import { invalid, isObject, listAt, optionalCount, optionalFlag, present, textAt } from "../canonical/wire.ts";
import { counter, field } from "../counter.ts";
import type { RerankReply, RerankRequest, RerankResult } from "./rerank.ts";

/** What a shape calls its fields. */
export interface RequestNames {
  readonly documents: "documents" | "texts";
  readonly topN?: "top_n" | "top_k";
  readonly withDocuments?: "return_documents" | "return_text";
  /** What is meant where that is not said. */
  readonly usuallyWithDocuments: boolean;
}

export function readRequest(
  body: JsonObject,
  names: RequestNames,
): { readonly request: RerankRequest; readonly losses: readonly Loss[] } {
  const losses = new Losses();
  const known = new Set<string>(["model", "query", names.documents, names.topN ?? "", names.withDocuments ?? ""]);
  for (const [key, value] of Object.entries(body)) {
    if (!known.has(key) && value !== null && value !== false) losses.dropped(key, "not every reranker has it");
  }
  const topN = names.topN && optionalCount(body[names.topN], names.topN);
  if (topN === 0) throw invalid(String(names.topN), "must be 1 or more");
  const isWanted = names.withDocuments && optionalFlag(body[names.withDocuments], names.withDocuments);
  const request = present({
    query: textAt(required(body, "query"), "query"),
    documents: readDocuments(required(body, names.documents), names.documents),
    topN,
    withDocuments: isWanted ?? names.usuallyWithDocuments,
  });
  return { request, losses: losses.list };
}

function required(body: JsonObject, key: string): unknown {
  const value = body[key];
  if (value === undefined || value === null) throw new AppError("missing_field", { field: key });
  return value;
}

/** Texts, or objects with a `text`. */
function readDocuments(value: unknown, path: string): readonly string[] {
  const documents = listAt(value, path).map((one, index) => {
    return isObject(one) ? textAt(one["text"], `${path}[${index}].text`) : textAt(one, `${path}[${index}]`);
  });
  if (documents.length === 0) throw invalid(path, "must not be empty");
  return documents;
}

/** The results, the best first, of documents that were asked about, each once; no more than were wanted. */
export function readResults(list: unknown, { documents, topN }: RerankRequest): readonly RerankResult[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const found = new Map<number, RerankResult>();
  for (const item of list as readonly unknown[]) {
    const index = field(item, "index");
    const score = field(item, "relevance_score") ?? field(item, "score");
    if (typeof index !== "number" || typeof score !== "number") return undefined;
    if (documents[index] !== undefined && !found.has(index)) found.set(index, { index, score });
  }
  return [...found.values()].toSorted((one, other) => other.score - one.score).slice(0, topN);
}

/** What a reply states beside its results. */
export function replyWith(results: readonly RerankResult[] | undefined, body: unknown): RerankReply | UpstreamFailure {
  if (results === undefined) return { kind: "broken", status: 200, message: "the reply has no results of a reranker" };
  const id = field(body, "id");
  const meta = field(body, "meta");
  return {
    results,
    ...(typeof id === "string" && id !== "" && { id }),
    tokens: counter(body, "usage", "total_tokens") ?? counter(meta, "billed_units", "input_tokens"),
    searches: counter(meta, "billed_units", "search_units"),
  };
}
