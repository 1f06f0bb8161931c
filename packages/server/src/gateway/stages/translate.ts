import {
  createCountReply,
  createStateSeal,
  lossyRefusal,
  ReplyTranslation,
  type DialectRoute,
  type ReplyContext,
  type ReplyTranslator,
  type TranslatedRequest,
  type TranslationJob,
} from "../../dialects/index.ts";
import { authHeaders } from "../../providers/index.ts";
import { translationNeeded, type Target } from "../../routing/index.ts";
import { sentOnce, type UpstreamBody } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked, AskedJson } from "./decode.ts";
import type { Prepared } from "./prepare.ts";
import { translateEmbedding } from "./translate-embedding.ts";
import { translateImage } from "./translate-image.ts";
import { shapeOf, translateRerank } from "./translate-rerank.ts";
import { translateTranscription } from "./translate-transcription.ts";

/** A translated request, and what takes its reply back. */
export interface Translated {
  readonly sent: Pick<TranslatedRequest, "path" | "headers" | "losses"> & { readonly body: Uint8Array | UpstreamBody };
  readonly reply: ReplyTranslator;
}

type Translate = (exchange: Exchange, asked: AskedJson, target: Target, parts: PipelineParts) => Promise<Translated>;

/** What comes as JSON; a recording comes in a form. */
type Topic = Exclude<NonNullable<DialectRoute["topic"]>, "transcription">;

const translators: Readonly<Record<Topic, Translate>> = {
  conversation: translateConversation,
  embedding: translateEmbedding,
  image: translateImage,
  rerank: translateRerank,
};

/** Whether the provider takes the request as it came. */
export function isSpoken({ dialect, route }: Exchange, asked: Asked, target: Target): boolean {
  if (target.dialect !== dialect.id) return false;
  const { rerank, media } = target.provider;
  if (route.topic === "image") return media.images === "openai";
  if (route.topic === "transcription") return media.transcription === "openai";
  return route.topic !== "rerank" || "form" in asked || shapeOf(route, asked, target) === rerank.shape;
}

/**
 * The request in the dialect of a provider that does not speak the caller's, and how its reply is taken back. None of the
 * caller's headers goes along: they mean something in the caller's dialect only.
 *
 * @throws AppError `translation_needed` where there is no translation for what was asked, `translation_lossy` where the route
 *   wants none that leaves anything out, `not_offered` where the provider has nothing of the kind, and what `translations` throw
 */
export async function prepareTranslated(
  exchange: Exchange,
  asked: Asked,
  target: Target,
  credential: UsedCredential,
  parts: PipelineParts,
): Promise<Prepared> {
  const { sent, reply } = await translated(exchange, asked, target, parts);
  exchange.losses = sent.losses;
  const refusal = target.lossy === "deny" ? lossyRefusal(sent.losses) : undefined;
  if (refusal !== undefined) throw refusal;
  const { provider } = target;
  const headers = {
    accept: asked.stream ? "text/event-stream, application/x-ndjson" : "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    ...provider.headers,
    ...sent.headers,
    ...authHeaders(target.auth, credential.secret),
  };
  return {
    request: {
      provider: provider.name,
      origin: target.origin,
      path: target.pathPrefix + sent.path,
      method: "POST",
      headers: Object.entries(headers).flat(),
      body: "open" in sent.body ? sent.body : sentOnce(Buffer.from(sent.body)),
      allowPrivate: provider.allowPrivate,
    },
    filter: undefined,
    translation: reply,
  };
}

function translated(exchange: Exchange, asked: Asked, target: Target, parts: PipelineParts): Promise<Translated> {
  const { topic } = exchange.route;
  if ("form" in asked) {
    if (topic === "transcription") return translateTranscription(exchange, asked, target, parts);
  } else if (topic !== undefined && topic !== "transcription") {
    return translators[topic](exchange, asked, target, parts);
  }
  throw translationNeeded(target, exchange.dialect.id, parts);
}

async function translateConversation(
  exchange: Exchange,
  asked: AskedJson,
  target: Target,
  parts: PipelineParts,
): Promise<Translated> {
  const job = jobOf(exchange, asked, target, parts);
  exchange.contextTokens = job.target.traits.contextTokens;
  const sent = await parts.translation.translator.request("conversation", job);
  if (job.count) return { sent, reply: createCountReply({ from: job.to, to: job.from }) };
  return { sent, reply: translationOf(exchange, asked, target, sent, parts) };
}

function jobOf(exchange: Exchange, asked: AskedJson, target: Target, parts: PipelineParts): TranslationJob {
  const { provider, model, dialect } = target;
  const { caller, route } = exchange;
  return {
    body: asked.body,
    from: exchange.dialect.id,
    to: dialect,
    stream: asked.stream,
    path: route.path,
    count: route.purpose === "count",
    target: {
      provider: provider.id,
      model,
      traits: parts.providers.models.traitsOf(provider.id, dialect, model),
      asksForUsage: provider.quirks.streamUsage === "on_request",
      rules: provider.quirks,
    },
    sealKey: parts.translation.sealKey(),
    remembered: parts.translation.memory.of(caller.keyId),
    items: parts.translation.items.of(caller.keyId),
  };
}

function translationOf(
  exchange: Exchange,
  asked: AskedJson,
  target: Target,
  { echo, tools, changedTools }: TranslatedRequest,
  parts: PipelineParts,
): ReplyTranslation {
  const { id, startedAt, estimatedInput, caller, dialect } = exchange;
  const context: ReplyContext = {
    requestId: id,
    createdAt: Math.floor(startedAt / 1000),
    model: asked.model,
    framing: framingFor(exchange),
    echo,
    tools,
    estimatedInput,
    seal: createStateSeal(parts.translation.sealKey()),
    keepItem: (itemId, item) => parts.translation.items.remember(caller.keyId, itemId, item),
  };
  // The others' clients bring back what they were given.
  const forgets = dialect.id === "openai-chat" || dialect.id === "ollama";
  return new ReplyTranslation({
    from: target.dialect,
    to: dialect.id,
    origin: { provider: target.provider.id, requestId: id },
    context,
    changedTools,
    remember: forgets
      ? (callId, thoughts) => parts.translation.memory.remember(caller.keyId, callId, thoughts)
      : undefined,
  });
}

/** How the caller's dialect frames a stream; Gemini's clients say which of two ways they want. */
function framingFor({ dialect, query }: Exchange): ReplyContext["framing"] {
  if (dialect.id === "ollama") return "ndjson";
  return dialect.id === "gemini" && !/[?&]alt=sse(?:&|$)/.test(query) ? "json-array" : "sse";
}
