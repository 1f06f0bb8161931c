import { bodyKeys } from "../body-keys.ts";
import type { Dialect, DialectRoute } from "../dialect.ts";
import { filterVectors, vectorKeys } from "../embeddings/vector-filter.ts";
import { encodeFailure } from "../openai-error.ts";
import { createEmbeddingsReader, createModerationReader, createRerankReader } from "./embeddings.ts";
import { encodeFailureEvent } from "./failure.ts";
import { createImageEventReader, createImagesReader } from "./images.ts";
import { createSpeechEventReader, createSpeechReader, speechKeys, spokenText } from "./speech.ts";
import { createTranscriptionEventReader, createTranscriptionReader } from "./transcription.ts";
import { createChunkReader, createReplyReader, createStreamReader } from "./usage.ts";
import { askForUsage } from "./usage-request.ts";

type Properties = Partial<DialectRoute> & Pick<DialectRoute, "upstreamPath" | "usage">;

/** Most take JSON and stream if they are asked to. */
function route(properties: Properties): DialectRoute {
  return {
    method: "POST",
    path: `/v1${properties.upstreamPath}`,
    purpose: "inference",
    body: "json",
    streams: "if_asked",
    ...properties,
  };
}

const images = { body: createImagesReader, stream: createImageEventReader };
const transcription = { body: createTranscriptionReader, stream: createTranscriptionEventReader };
const rerank = { body: createRerankReader, stream: createStreamReader };

/** Chat Completions and the shapes that providers of it have beside it. */
export const openaiChat: Dialect = {
  id: "openai-chat",
  name: "OpenAI Chat Completions",
  routes: [
    route({
      upstreamPath: "/chat/completions",
      topic: "conversation",
      keys: bodyKeys("reasoning_effort", "reasoning", "thinking", "enable_thinking"),
      usage: { body: createReplyReader, stream: createStreamReader },
      askForUsage,
    }),
    route({
      upstreamPath: "/completions",
      // a completion has its text in the choices themselves
      usage: { body: createReplyReader, stream: () => createChunkReader("choices") },
      askForUsage,
    }),
    route({
      upstreamPath: "/embeddings",
      topic: "embedding",
      keys: vectorKeys,
      documentFilter: filterVectors,
      usage: { body: createEmbeddingsReader, stream: createStreamReader },
      streams: "never",
    }),
    route({
      upstreamPath: "/moderations",
      usage: { body: createModerationReader, stream: createStreamReader },
      streams: "never",
    }),
    // Cohere's own address has another version than all the others: https://docs.cohere.com/reference/rerank
    ...["/v1/rerank", "/v2/rerank"].map((path) =>
      route({
        path,
        upstreamPath: "/rerank",
        topic: "rerank",
        keys: bodyKeys("top_k", "top_n"),
        usage: rerank,
        streams: "never",
      }),
    ),
    route({ upstreamPath: "/images/generations", topic: "image", usage: images }),
    route({ upstreamPath: "/images/edits", usage: images, body: "multipart" }),
    route({
      upstreamPath: "/audio/speech",
      usage: { body: createSpeechReader, stream: createSpeechEventReader },
      keys: speechKeys,
      requestedMedia: spokenText,
    }),
    route({ upstreamPath: "/audio/transcriptions", topic: "transcription", usage: transcription, body: "multipart" }),
    route({ upstreamPath: "/audio/translations", topic: "transcription", usage: transcription, body: "multipart" }),
  ],
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
