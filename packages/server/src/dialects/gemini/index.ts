import { bodyKeys } from "../body-keys.ts";
import type { Dialect, DialectRoute, UsageReaders } from "../dialect.ts";
import { encodeFailure, encodeFailureEvent } from "./failure.ts";
import { findInBatch, findInCount, findInRequest, renameModel } from "./model-names.ts";
import { checkQuery } from "./query.ts";
import { createReplyReader, createStreamReader } from "./usage.ts";

type Action = Pick<DialectRoute, "topic" | "purpose" | "streams" | "usage" | "keys" | "findNames">;

const usage: UsageReaders = { body: createReplyReader, stream: createStreamReader };

const conversation = {
  topic: "conversation",
  purpose: "inference",
  usage,
  keys: bodyKeys("generationConfig"),
  findNames: findInRequest,
} as const;

/** What may be asked of a model: the word behind the last colon of its address. */
const actions: Readonly<Record<string, Action>> = {
  generateContent: { ...conversation, streams: "never" },
  streamGenerateContent: { ...conversation, streams: "always" },
  countTokens: {
    topic: "conversation",
    purpose: "count",
    streams: "never",
    usage,
    keys: bodyKeys("generateContentRequest", "generate_content_request"),
    findNames: findInCount,
  },
  embedContent: { topic: "embedding", purpose: "inference", streams: "never", usage, findNames: findInRequest },
  batchEmbedContents: {
    topic: "embedding",
    purpose: "inference",
    streams: "never",
    usage,
    keys: bodyKeys("requests"),
    findNames: findInBatch,
  },
};

/** Clients differ in the version they call; a provider is always asked at its own. */
const versions = ["/v1beta", "/v1"];

/** The AI SDK leaves `models/` out before a name that has a slash. */
const places = ["/models/{model}", "/{model}"];

const routes = Object.entries(actions).flatMap(([action, properties]) =>
  versions.flatMap((version) =>
    places.map((place): DialectRoute => {
      const paths = { path: `${version}${place}:${action}`, upstreamPath: `/models/{model}:${action}` };
      return { method: "POST", ...paths, body: "json", checkQuery, renameModel, ...properties };
    }),
  ),
);

/** https://ai.google.dev/api */
export const gemini: Dialect = {
  id: "gemini",
  name: "Google Gemini",
  routes,
  failure: { encode: encodeFailure, encodeEvent: encodeFailureEvent },
};
