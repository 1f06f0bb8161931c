import type { Dialect } from "../dialect.ts";
import { encodeFailure, encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

export const anthropicMessages: Dialect = {
  id: "anthropic-messages",
  name: "Anthropic Messages",
  routes: [
    { method: "POST", path: "/v1/messages", upstreamPath: "/messages", purpose: "inference" },
    { method: "POST", path: "/v1/messages/count_tokens", upstreamPath: "/messages/count_tokens", purpose: "count" },
  ],
  askForUsage: () => undefined,
  usage: { body: createReplyReader, stream: createStreamReader },
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
