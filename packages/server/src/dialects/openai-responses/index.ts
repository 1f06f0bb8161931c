import type { Dialect } from "../dialect.ts";
import { encodeFailure } from "../openai-error.ts";
import { encodeFailureEvent } from "./failure.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

export const openaiResponses: Dialect = {
  id: "openai-responses",
  name: "OpenAI Responses",
  routes: [
    {
      method: "POST",
      path: "/v1/responses",
      upstreamPath: "/responses",
      purpose: "inference",
      body: "json",
      streams: "if_asked",
      usage: { body: createReplyReader, stream: createStreamReader },
    },
  ],
  askForUsage: () => undefined,
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
