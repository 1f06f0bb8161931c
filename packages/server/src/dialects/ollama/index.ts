import type { Dialect, DialectRoute } from "../dialect.ts";
import { questionKeys, refuseUnloading } from "./engine-action.ts";
import { encodeFailure, encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

const usage = { body: createReplyReader, stream: createStreamReader };

/** https://docs.ollama.com/api: what stands under `/api`, as far as it answers with what a model made or is. */
export const ollama: Dialect = {
  id: "ollama",
  name: "Ollama",
  routes: [
    question("/chat"),
    { ...route("/embed"), topic: "embedding", streams: "never" },
    { ...route("/embeddings"), topic: "embedding", streams: "never" },
    question("/generate"),
    { ...route("/show"), streams: "never", purpose: "describe" },
  ],
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};

function question(upstreamPath: string): DialectRoute {
  const asks = {
    topic: "conversation",
    streams: "unless_declined",
    keys: questionKeys,
    check: refuseUnloading,
  } as const;
  return { ...route(upstreamPath), ...asks };
}

function route(upstreamPath: string): Omit<DialectRoute, "streams"> {
  return { method: "POST", path: `/api${upstreamPath}`, upstreamPath, purpose: "inference", body: "json", usage };
}
