import { bodyKeys } from "../body-keys.ts";
import type { Dialect, UsageReaders } from "../dialect.ts";
import { encodeFailure, encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

const usage: UsageReaders = { body: createReplyReader, stream: createStreamReader };

export const anthropicMessages: Dialect = {
  id: "anthropic-messages",
  name: "Anthropic Messages",
  routes: [
    {
      method: "POST",
      path: "/v1/messages",
      upstreamPath: "/messages",
      purpose: "inference",
      topic: "conversation",
      keys: bodyKeys("thinking"),
      body: "json",
      streams: "if_asked",
      usage,
    },
    {
      method: "POST",
      path: "/v1/messages/count_tokens",
      upstreamPath: "/messages/count_tokens",
      purpose: "count",
      topic: "conversation",
      keys: bodyKeys("thinking"),
      body: "json",
      streams: "never",
      usage,
    },
  ],
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
