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
    { ...route("/chat"), streams: "unless_declined", keys: questionKeys, check: refuseUnloading },
    { ...route("/embed"), streams: "never" },
    { ...route("/embeddings"), streams: "never" },
    { ...route("/generate"), streams: "unless_declined", keys: questionKeys, check: refuseUnloading },
    { ...route("/show"), streams: "never", purpose: "describe" },
  ],
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};

function route(upstreamPath: string): Omit<DialectRoute, "streams"> {
  return { method: "POST", path: `/api${upstreamPath}`, upstreamPath, purpose: "inference", body: "json", usage };
}
