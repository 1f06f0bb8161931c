import type { Codec } from "../codec.ts";
import { decodeFailure } from "./decode-failure.ts";
import { decodeReply } from "./decode-reply.ts";
import { decodeRequest } from "./decode-request.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { encodeReply } from "./encode-reply.ts";
import { encodeRequest } from "./encode-request.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { chatTools } from "./tool-rules.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

/** Chat Completions, as OpenAI has it (https://platform.openai.com/docs/api-reference/chat) and as others do. */
export const openaiChatCodec: Codec = {
  id: "openai-chat",
  tools: chatTools,
  decodeRequest,
  encodeRequest,
  decodeReply,
  encodeReply,
  createStreamDecoder,
  createStreamEncoder,
  decodeFailure,
  upstreamFraming: "sse",
  usage: { body: createReplyReader, stream: createStreamReader },
};
