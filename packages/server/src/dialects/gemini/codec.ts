import { commonIds } from "../canonical/tool-names.ts";
import type { Codec } from "../codec.ts";
import { decodeFailure } from "./decode-failure.ts";
import { decodeReply } from "./decode-reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { encodeReply } from "./encode-reply.ts";
import { count, encodeRequest } from "./encode-request.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

export const geminiCodec: Codec = {
  id: "gemini",
  tools: { name: /^[a-zA-Z_][a-zA-Z0-9_.:-]*$/, mostNameLength: 64, ...commonIds, custom: false },
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  createStreamDecoder,
  createStreamEncoder,
  decodeFailure,
  count,
  upstreamFraming: "sse",
  usage: { body: createReplyReader, stream: createStreamReader },
};
