import { embeddingCodecOf, type DialectId, type DialectRoute } from "../dialects/index.ts";
import { authFor } from "../providers/index.ts";
import { addressOf, type Target } from "./target.ts";

/** The target of a request about `topic`. Not everything is said in the dialect, or at the address, that conversations go to. */
export function targetFor(topic: DialectRoute["topic"], target: Target): Target {
  if (topic === "embedding") return withEmbeddings(target);
  return topic === "rerank" ? atReranker(target) : target;
}

/** A provider that was to be asked in a dialect without embeddings is asked for them in another of its own, if it has one. */
function withEmbeddings(target: Target): Target {
  const { endpoints } = target.provider;
  const dialect = embedding.find((id) => endpoints[id] !== undefined);
  if (dialect === undefined || embeddingCodecOf(target.dialect) !== undefined) return target;
  const auth = authFor(target.provider, dialect);
  return { ...target, dialect, auth, ...addressOf(endpoints[dialect] ?? target.provider.baseUrl) };
}

const embedding: readonly DialectId[] = ["openai-chat", "gemini", "ollama"];

function atReranker(target: Target): Target {
  const { endpoint } = target.provider.rerank;
  return endpoint === undefined || target.dialect !== "openai-chat" ? target : { ...target, ...addressOf(endpoint) };
}
