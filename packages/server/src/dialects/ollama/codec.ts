import { commonIds } from "../canonical/tool-names.ts";
import type { Codec } from "../codec.ts";
import { decodeFailure, decodeReply } from "./decode-reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { encodeReply } from "./encode-reply.ts";
import { encodeRequest } from "./encode-request.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

/** https://docs.ollama.com/api: callers use `/api/chat` or `/api/generate`, engines are asked at `/api/chat`. */
export const ollamaCodec: Codec = {
  id: "ollama",
  tools: { name: /^[a-zA-Z_][a-zA-Z0-9_-]*$/, mostNameLength: 128, custom: false, ...commonIds },
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  createStreamDecoder,
  createStreamEncoder,
  decodeFailure,
  upstreamFraming: "ndjson",
  usage: { body: createReplyReader, stream: createStreamReader },
};
