import {
  createStateSeal,
  lossyRefusal,
  ReplyTranslation,
  type ReplyContext,
  type TranslatedRequest,
  type TranslationJob,
} from "../../dialects/index.ts";
import { authHeaders } from "../../providers/index.ts";
import { translationNeeded, type Target } from "../../routing/index.ts";
import { sentOnce } from "../../upstream/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { UsedCredential } from "./credential.ts";
import type { Asked, AskedJson } from "./decode.ts";
import type { Prepared } from "./prepare.ts";

/**
 * The request in the dialect of a provider that does not speak the caller's, and how its reply is taken back. None of the
 * caller's headers goes along: they mean something in the caller's dialect only.
 *
 * @throws AppError `translation_needed` where there is no translation for what was asked, `translation_lossy` where the route
 *   wants none that leaves anything out, and what `translateRequest` throws
 */
export async function prepareTranslated(
  exchange: Exchange,
  asked: Asked,
  target: Target,
  credential: UsedCredential,
  parts: PipelineParts,
): Promise<Prepared> {
  const { topic } = exchange.route;
  if (topic === undefined || "form" in asked) throw translationNeeded(target, exchange.dialect.id, parts);
  const job = jobOf(exchange, asked, target, parts);
  exchange.contextTokens = job.target.traits.contextTokens;
  const translated = await parts.translation.translator.request(job);
  exchange.losses = translated.losses;
  const refusal = target.lossy === "deny" ? lossyRefusal(translated.losses) : undefined;
  if (refusal !== undefined) throw refusal;
  const { provider } = target;
  const headers = {
    accept: asked.stream ? "text/event-stream, application/x-ndjson" : "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    ...provider.headers,
    ...translated.headers,
    ...authHeaders(target.auth, credential.secret),
  };
  return {
    request: {
      provider: provider.name,
      origin: target.origin,
      path: target.pathPrefix + translated.path,
      method: "POST",
      headers: Object.entries(headers).flat(),
      body: sentOnce(Buffer.from(translated.body)),
      allowPrivate: provider.allowPrivate,
    },
    filter: undefined,
    translation: translationOf(exchange, asked, target, translated, parts),
  };
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
    },
    sealKey: parts.translation.sealKey(),
    remembered: parts.translation.memory.of(caller.keyId),
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
  };
  // The others' clients bring back what they were given.
  const forgets = dialect.id === "openai-chat" || dialect.id === "ollama";
  return new ReplyTranslation({
    from: target.dialect,
    to: dialect.id,
    origin: { provider: target.provider.id, requestId: id },
    context,
    changedTools,
    remember: forgets ? (callId, states) => parts.translation.memory.remember(caller.keyId, callId, states) : undefined,
  });
}

/** How the caller's dialect frames a stream; Gemini's clients say which of two ways they want. */
function framingFor({ dialect, query }: Exchange): ReplyContext["framing"] {
  if (dialect.id === "ollama") return "ndjson";
  return dialect.id === "gemini" && !/[?&]alt=sse(?:&|$)/.test(query) ? "json-array" : "sse";
}
