import { type ModelTraits, unknownTraits } from "../../../kernel/model-traits.ts";
import { createExchange, type Decision } from "../../../simulator/exchange.ts";
import { createIds } from "../../../simulator/ids.ts";
import type { Script } from "../../../simulator/script.ts";
import { systemClock } from "../../../kernel/clock.ts";
import type { ThinkingPart, Tool } from "../../canonical/conversation.ts";
import { testSeal } from "../../canonical/test-parts.ts";
import type { ReplyContext, TargetModel } from "../../codec.ts";
import type { DialectId, StreamFraming } from "../../dialect.ts";
import { ReplyTranslation } from "../reply.ts";
import { type TranslatedRequest, translateRequest } from "../request.ts";

/* Simulated vendors behind a translation, without a network between. They refuse what the vendors refuse. */

export const dialectIds = [
  "anthropic-messages",
  "gemini",
  "ollama",
  "openai-chat",
  "openai-responses",
] as const satisfies readonly DialectId[];

export interface Pair {
  readonly from: DialectId;
  readonly to: DialectId;
}

export const pairs: readonly Pair[] = dialectIds.flatMap((from) =>
  dialectIds.filter((to) => to !== from).map((to) => ({ from, to })),
);

/** The key of `testSeal`. */
export const sealKey = Buffer.alloc(32, 7);

const low = ["low", "medium", "high"] as const;
const able: Readonly<Record<DialectId, Partial<ModelTraits>>> = {
  "anthropic-messages": { thinking: "adaptive", efforts: [...low, "xhigh", "max"] },
  gemini: { thinking: "level", efforts: low, systemTurns: false },
  ollama: { thinking: "switch", efforts: [], toolSchema: "ollama" },
  "openai-chat": {
    thinking: "effort",
    efforts: ["none", ...low],
    reasoningField: "reasoning_content",
    maxTokensField: "max_completion_tokens",
  },
  "openai-responses": { thinking: "effort", efforts: ["none", "minimal", ...low, "xhigh"] },
};

const models: Readonly<Partial<Record<DialectId, string>>> = { gemini: "gemini-3-pro" };

export function targetOf(to: DialectId, traits: Partial<ModelTraits> = {}): TargetModel {
  return {
    provider: `sim-${to}`,
    model: models[to] ?? "model-1",
    traits: { ...unknownTraits, ...able[to], ...traits },
    asksForUsage: true,
  };
}

export const paths: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "/v1/messages",
  gemini: "/v1beta/models/{model}:generateContent",
  ollama: "/api/chat",
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
};

export interface Sending extends Pair {
  readonly body: object;
  readonly stream?: boolean;
  readonly target?: TargetModel;
  readonly remembered?: ReadonlyMap<string, readonly ThinkingPart[]>;
}

export function translated({
  from,
  to,
  body,
  stream = false,
  target = targetOf(to),
  remembered,
}: Sending): TranslatedRequest {
  return translateRequest({
    body: Buffer.from(JSON.stringify(body)),
    from,
    to,
    stream,
    path: paths[from],
    target,
    sealKey,
    remembered: remembered ?? new Map(),
    count: false,
  });
}

const prefixes: Readonly<Record<DialectId, string>> = {
  "anthropic-messages": "/v1",
  gemini: "/v1beta",
  ollama: "/api",
  "openai-chat": "/v1",
  "openai-responses": "/v1",
};

export interface Provider {
  answer(to: DialectId, request: Pick<TranslatedRequest, "body" | "path" | "headers">, script?: Script): Answered;
}

export interface Answered {
  readonly status: number;
  readonly bytes: Buffer;
  readonly isStream: boolean;
}

export function createProvider(): Provider {
  let script: Script = {};
  const decide = createExchange({
    clock: systemClock,
    nextId: createIds(1),
    apiKeys: undefined,
    scriptFor: () => script,
  });
  return {
    answer(to, request, given = {}) {
      script = given;
      const [path = "", query = ""] = (prefixes[to] + request.path).split("?");
      const headers: Readonly<Record<string, string>> = { authorization: "Bearer sk", ...request.headers };
      const { outgoing } = decide({
        method: "POST",
        path,
        query: new URLSearchParams(query),
        header: (name) => headers[name],
        bytes: Buffer.from(request.body),
      });
      return answered(outgoing);
    },
  };
}

function answered({ status, parts, isStream, newline }: Decision["outgoing"]): Answered {
  const text = parts.join("");
  return {
    status,
    isStream,
    bytes: Buffer.from(newline === "crlf" && isStream ? text.replaceAll("\n", "\r\n") : text),
  };
}

export function contextOf(to: DialectId, more: Partial<ReplyContext> = {}): ReplyContext {
  return {
    requestId: "req1",
    createdAt: 1_700_000_000,
    model: "asked",
    framing: framingOf(to),
    echo: {},
    tools: [],
    estimatedInput: 10,
    seal: testSeal,
    ...more,
  };
}

export function framingOf(id: DialectId): StreamFraming {
  return id === "ollama" ? "ndjson" : "sse";
}

/** A reply on its way from a provider that speaks `to` to a caller that speaks `from`. */
export function replyTo(
  { from, to }: Pair,
  context: Partial<ReplyContext> = {},
  changedTools: ReadonlyMap<string, Tool> = new Map(),
  remember?: (callId: string, thoughts: readonly ThinkingPart[]) => void,
): ReplyTranslation {
  return new ReplyTranslation({
    from: to,
    to: from,
    origin: { provider: `sim-${to}`, requestId: context.requestId ?? "req1" },
    context: contextOf(from, context),
    changedTools,
    remember,
  });
}
