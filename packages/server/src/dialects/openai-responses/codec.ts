import { commonIds } from "../canonical/tool-names.ts";
import type { Codec } from "../codec.ts";
import { counter } from "../counter.ts";
import { decodeFailure } from "./decode-failure.ts";
import { decodeReply } from "./decode-reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { encodeReply } from "./encode-reply.ts";
import { encodeCount, encodeRequest } from "./encode-request.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

export const openaiResponsesCodec: Codec = {
  id: "openai-responses",
  tools: { name: /^[a-zA-Z0-9_-]+$/, mostNameLength: 64, ...commonIds, custom: true },
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  createStreamDecoder,
  createStreamEncoder,
  decodeFailure,
  count: {
    encode: encodeCount,
    decode: (body) => counter(body, "input_tokens"),
    encodeReply: (tokens) => ({ object: "response.input_tokens", input_tokens: tokens }),
  },
  upstreamFraming: "sse",
  usage: { body: createReplyReader, stream: createStreamReader },
};
