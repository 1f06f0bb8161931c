import { lossyRefusal, type DialectRoute, type ReplyTranslator, type TranslatedRequest } from "../../dialects/index.ts";
import { authHeaders } from "../../providers/index.ts";
import { translationNeeded, type Target } from "../../routing/index.ts";
import { sentOnce, type UpstreamBody } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked, AskedJson } from "./decode.ts";
import type { Prepared } from "./prepare.ts";
import { translateConversation } from "./translate-conversation.ts";
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
