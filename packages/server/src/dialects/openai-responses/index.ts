import { bodyKeys } from "../body-keys.ts";
import type { Dialect, UsageReaders } from "../dialect.ts";
import { encodeFailure } from "../openai-error.ts";
import { encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

const usage: UsageReaders = { body: createReplyReader, stream: createStreamReader };
const kept = {
  path: "/v1/responses/{id}",
  upstreamPath: "/responses/{id}",
  purpose: "kept",
  body: "none",
  streams: "if_asked",
  usage,
} as const;

export const openaiResponses: Dialect = {
  id: "openai-responses",
  name: "OpenAI Responses",
  routes: [
    {
      method: "POST",
      path: "/v1/responses",
      upstreamPath: "/responses",
      topic: "conversation",
      keys: bodyKeys("reasoning"),
      purpose: "inference",
      body: "json",
      streams: "if_asked",
      usage,
    },
    {
      method: "POST",
      path: "/v1/responses/input_tokens",
      upstreamPath: "/responses/input_tokens",
      topic: "conversation",
      keys: bodyKeys("reasoning"),
      purpose: "count",
      body: "json",
      streams: "never",
      usage,
    },
    { method: "GET", ...kept },
    { method: "DELETE", ...kept },
  ],
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
