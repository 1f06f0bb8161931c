import type { Dialect } from "../dialect.ts";
import { encodeFailure } from "../openai-error.ts";
import { encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";
import { askForUsage } from "./usage-request.ts";

export const openaiChat: Dialect = {
  id: "openai-chat",
  name: "OpenAI Chat Completions",
  routes: [
    {
      method: "POST",
      path: "/v1/chat/completions",
      upstreamPath: "/chat/completions",
      purpose: "inference",
      body: "json",
      streams: "if_asked",
      usage: { body: createReplyReader, stream: createStreamReader },
    },
  ],
  askForUsage,
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
