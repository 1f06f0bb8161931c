import {
  conversationUsage,
  createDocumentTranslation,
  createStateSeal,
  refusalOf,
  ReplyTranslation,
  type Gathered,
  type ReplyContext,
  type ReplyTranslator,
  type ThinkingPart,
  type TranslatedRequest,
  type TranslationJob,
  type UpstreamFailure,
} from "../../dialects/index.ts";
import { bytesOf } from "../../kernel/memory.ts";
import type { Target } from "../../routing/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import { mostCharactersPerValue } from "../translation/memory.ts";
import type { AskedJson } from "./decode.ts";
import type { Translated } from "./translate.ts";

/** A conversation as the provider takes it, or a request to count its tokens. Throws what the translation throws. */
export async function translateConversation(
  exchange: Exchange,
  asked: AskedJson,
  target: Target,
  parts: PipelineParts,
): Promise<Translated> {
  const job = jobOf(exchange, asked, target, parts);
  exchange.contextTokens = job.target.traits.contextTokens;
  const sent = await parts.translation.translator.request("conversation", job);
  return { sent, reply: job.count ? countOf(job, parts) : replyOf(exchange, asked, job, sent, parts) };
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

function countOf({ from, to }: TranslationJob, { translation }: PipelineParts): ReplyTranslator {
  return createDocumentTranslation({
    from: to,
    usage: conversationUsage(to),
    translate: (body) => translation.translator.request("count_reply", { body, from: to, to: from }),
  });
}

function replyOf(
  exchange: Exchange,
  asked: AskedJson,
  { from: to, to: from, target, sealKey }: TranslationJob,
  { echo, tools, changedTools }: TranslatedRequest,
  { translation: { translator, memory, items } }: PipelineParts,
): ReplyTranslator {
  const { id: requestId, startedAt, estimatedInput, caller } = exchange;
  const context: Omit<ReplyContext, "seal" | "keepItem"> = {
    requestId,
    createdAt: Math.floor(startedAt / 1000),
    model: asked.model,
    framing: framingFor(exchange),
    echo,
    tools,
    estimatedInput,
  };
  const options = { from, to, origin: { provider: target.provider, requestId }, changedTools };
  const keepItem = (id: string, item: string): void => items.remember(caller.keyId, id, item);
  const remember = (callId: string, thoughts: readonly ThinkingPart[]): void =>
    memory.remember(caller.keyId, callId, thoughts);
  // The others' clients bring back what they were given.
  const remembers = to === "openai-chat" || to === "ollama";
  const stream = new ReplyTranslation({
    ...options,
    context: { ...context, seal: createStateSeal(sealKey), keepItem },
    remember: remembers ? remember : undefined,
  });
  let failure: UpstreamFailure | undefined;
  return {
    usage: conversationUsage(from),
    stream,
    get failure() {
      return failure ?? stream.failure;
    },
    async whole({ bytes: body, ...how }: Gathered) {
      const job = { ...options, ...how, body, context, sealKey, remembers, mostKept: mostCharactersPerValue };
      const made = await translator.request("conversation_reply", job);
      if ("failure" in made) {
        failure = made.failure;
        return undefined;
      }
      for (const each of made.thoughts) remember(...each);
      for (const each of made.items) keepItem(...each);
      return bytesOf(made.body);
    },
    refusal: (status, bytes) => refusalOf(from, status, bytes),
  };
}

/** How the caller's dialect frames a stream; Gemini's clients say which of two ways they want. */
function framingFor({ dialect, query }: Exchange): ReplyContext["framing"] {
  if (dialect.id === "ollama") return "ndjson";
  return dialect.id === "gemini" && !/[?&]alt=sse(?:&|$)/.test(query) ? "json-array" : "sse";
}
