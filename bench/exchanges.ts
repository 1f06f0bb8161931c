import {
  chatReply,
  smallRequest,
  codingReply,
  codingRequest,
  streamEvents,
  streamRequest,
  type Dialect,
} from "./bodies.ts";

export type { Dialect };

/** What is asked and answered, in few words, so that it can be given to other processes. */
export type ExchangeSpec =
  /** 0.25 KB in, 1 KB out; `status` and `delayMs` are for a provider that is not well. */
  | {
      readonly kind: "small";
      readonly dialect: Dialect;
      /** What the provider speaks, if that is another. */
      readonly upstream?: Dialect;
      readonly provider?: string;
      readonly status?: number;
      readonly delayMs?: number;
    }
  /** What a coding agent sends: so much in, 1 KB out. */
  | { readonly kind: "coding"; readonly kilobytes: number; readonly upstream?: Dialect }
  /** `perChunk` events are written at once; between two chunks is a turn of the event loop, or `everyMs`. */
  | {
      readonly kind: "stream";
      readonly dialect: Dialect;
      readonly upstream?: Dialect;
      readonly events: number;
      readonly perChunk: number;
      readonly everyMs?: number;
    }
  /** A stream as fast as it is taken, in events of 64 KB. */
  | { readonly kind: "flood"; readonly megabytes: number };

/** One kind of exchange between a client and a provider. */
export interface Exchange {
  /** The caller's, and the provider's. */
  readonly dialect: Dialect;
  readonly upstream: Dialect;
  readonly provider: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly request: Buffer;
  readonly reply: Reply;
}

export interface Reply {
  readonly status: number;
  readonly contentType: string;
  readonly chunks: readonly Buffer[];
  readonly isStream: boolean;
  /** How often the marker is in the body: how many events of a stream carry text. */
  readonly markers: number;
  readonly bytes: number;
  /** Before the first chunk, and between any two. */
  readonly delayMs: number;
  readonly everyMs: number;
}

/** In every text that the provider sends and in nothing else: shows that a reply arrived, however it was rewritten. */
export const marker = "word ";

/** The provider that a system under test knows by this name unless an exchange has another. */
export const mainProvider = "bench";

const paths: Readonly<Record<Dialect, string>> = {
  "openai-chat": "/v1/chat/completions",
  "anthropic-messages": "/v1/messages",
};

export function exchangeOf(spec: ExchangeSpec): Exchange {
  const dialect = "dialect" in spec ? spec.dialect : "anthropic-messages";
  const upstream = ("upstream" in spec ? spec.upstream : undefined) ?? dialect;
  const provider = ("provider" in spec ? spec.provider : undefined) ?? mainProvider;
  return {
    dialect,
    upstream,
    provider,
    path: paths[dialect],
    headers: {
      "content-type": "application/json",
      ...(dialect === "anthropic-messages" ? { "anthropic-version": "2023-06-01" } : {}),
    },
    request: requestOf(spec, provider),
    reply: replyOf(spec, upstream),
  };
}

function requestOf(spec: ExchangeSpec, provider: string): Buffer {
  switch (spec.kind) {
    case "small":
      return smallRequest(provider);
    case "coding":
      return codingRequest(provider, spec.kilobytes * 1_000);
    case "stream":
    case "flood":
      return streamRequest(provider);
  }
}

function replyOf(spec: ExchangeSpec, dialect: Dialect): Reply {
  switch (spec.kind) {
    case "small":
      return {
        ...whole(wholeReply(dialect)),
        status: spec.status ?? 200,
        delayMs: spec.delayMs ?? 0,
      };
    case "coding":
      return whole(wholeReply(dialect));
    case "stream": {
      const events = streamEvents(dialect, spec.events);
      const chunks = Array.from({ length: Math.ceil(events.length / spec.perChunk) }, (_, index) =>
        Buffer.from(events.slice(index * spec.perChunk, (index + 1) * spec.perChunk).join("")),
      );
      return { ...stream(chunks), everyMs: spec.everyMs ?? 0 };
    }
    case "flood":
      return stream(floodChunks(spec.megabytes));
  }
}

function wholeReply(dialect: Dialect): Buffer {
  return dialect === "openai-chat" ? chatReply() : codingReply();
}

function whole(body: Buffer): Reply {
  return { ...reply([body]), contentType: "application/json", isStream: false };
}

function stream(chunks: readonly Buffer[]): Reply {
  return { ...reply(chunks), contentType: "text/event-stream", isStream: true };
}

function reply(chunks: readonly Buffer[]): Omit<Reply, "contentType" | "isStream"> {
  const count = (chunk: Buffer): number => chunk.toString("latin1").split(marker).length - 1;
  return {
    status: 200,
    chunks,
    markers: chunks.reduce((sum, chunk) => sum + count(chunk), 0),
    bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    delayMs: 0,
    everyMs: 0,
  };
}

/** The same chunk again and again, between a first and a last that make it a whole stream. */
function floodChunks(megabytes: number): Buffer[] {
  const [first = "", second = "", text = "", ...last] = streamEvents("anthropic-messages", 6);
  const chunk = Buffer.from(text.replace(marker, `${marker}${"x".repeat(64_000)}`));
  const middle = Array.from({ length: Math.ceil((megabytes * 1_000_000) / chunk.length) }, () => chunk);
  return [Buffer.from(first + second), ...middle, Buffer.from(last.join(""))];
}
