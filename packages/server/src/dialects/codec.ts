import type { ModelTraits } from "../kernel/model-traits.ts";
import type { ServerEvent } from "../kernel/sse.ts";
import type { Conversation, JsonObject, Tool } from "./canonical/conversation.ts";
import type { Loss } from "./canonical/loss.ts";
import type { Reply, ReplyEvent, UpstreamFailure } from "./canonical/reply.ts";
import type { StateSeal } from "./canonical/state-seal.ts";
import type { DialectId, Failure, StreamFraming, UsageReaders } from "./dialect.ts";
import type { RequestRules } from "./request-rules.ts";

/*
 * Between a dialect and what is said in none. A conversation that comes in one dialect and goes out in another passes
 * through two codecs: the caller's decodes the request and encodes the reply, the provider's does the other half. All of it is
 * pure: no clock, no network; what goes in and comes out of `decodeRequest` and `encodeRequest` can be cloned to another thread.
 */
export interface Codec {
  readonly id: DialectId;
  /** What the names and ids of tools may look like there, and whether tools that take any text are known. */
  readonly tools: ToolRules;

  /** @throws AppError `invalid_request`, `missing_field` for what no conversation can be made of */
  decodeRequest(body: JsonObject, asked: AskedRequest): DecodedRequest;
  /** The conversation has been put in order (`canonical/order.ts`) and its tools follow `tools` (`canonical/lower-tools.ts`). */
  encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest;

  /** A good reply that is one document. Lenient: unknown fields and parts are passed over. @throws nothing; what is no reply is a failure */
  decodeReply(body: JsonObject, origin: ReplyOrigin): Reply | UpstreamFailure;
  encodeReply(reply: Reply, context: ReplyContext): JsonObject;

  createStreamDecoder(origin: ReplyOrigin): StreamDecoder;
  createStreamEncoder(context: ReplyContext): StreamEncoder;

  /** What an error answer means; `body` is undefined if it was no JSON object. */
  decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure;

  /** Absent where the dialect has no way to count the tokens of a request. */
  readonly count?: CountCodec;

  /** How a provider of the dialect streams a conversation, and where the counts stand in it. */
  readonly upstreamFraming: "sse" | "ndjson";
  readonly usage: UsageReaders;
}

/** Counting the tokens that a request would have. */
export interface CountCodec {
  /** The request that asks a provider. */
  encode(conversation: Conversation, target: TargetModel): EncodedRequest;
  /** What it answered; undefined if that is no count. */
  decode(body: JsonObject): number | undefined;
  /** How a caller is told. */
  encodeReply(tokens: number): JsonObject;
}

export interface ToolRules {
  readonly name: RegExp;
  readonly mostNameLength: number;
  readonly callId: RegExp;
  readonly mostCallIdLength: number;
  readonly custom: boolean;
}

export interface AskedRequest {
  readonly stream: boolean;
  /** Which of the dialect's routes was called, as the route table has it: `/api/generate`. */
  readonly path: string;
  readonly seal: StateSeal;
  /** What `ReplyContext.keepItem` was told of earlier replies; for dialects in which a caller may refer to items of them. */
  readonly items?: ReadonlyMap<string, string> | undefined;
}

export interface DecodedRequest {
  readonly conversation: Conversation;
  readonly losses: readonly Loss[];
  /** What the reply has to repeat of the request or depends on, in the dialect's own form; small. */
  readonly echo: JsonObject;
}

/** The model that is asked. */
export interface TargetModel {
  /** The provider's id. */
  readonly provider: string;
  /** Its name there. */
  readonly model: string;
  readonly traits: ModelTraits;
  /** Whether token counts of streamed replies come only if they are asked for. */
  readonly asksForUsage: boolean;
  /** How the provider takes requests in OpenAI's dialects; absent for one that takes what OpenAI does. */
  readonly rules?: RequestRules;
}

export interface EncodedRequest {
  readonly body: JsonObject;
  /** Behind the provider's endpoint for the dialect, query included: `/models/x:streamGenerateContent?alt=sse`. */
  readonly path: string;
  /** Beside the key and what the provider wants always: `{"anthropic-version": "2023-06-01"}`. */
  readonly headers: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
}

/** Who made a reply, for its reasoning states, and ids for calls that come without one. */
export interface ReplyOrigin {
  readonly provider: string;
  /** Of this request; unique. */
  readonly requestId: string;
}

/** What a reply to the caller is written with. */
export interface ReplyContext {
  /** Unique. */
  readonly requestId: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** The name that the caller asked for. */
  readonly model: string;
  readonly framing: StreamFraming;
  readonly echo: JsonObject;
  /** As the conversation named them; what only models read of them is left out. */
  readonly tools: readonly Tool[];
  /** Of the request; for events that must state a count before it is known. */
  readonly estimatedInput: number;
  readonly seal: StateSeal;
  /** Is told of each item that the caller may refer to by its id, instead of sending it back; as JSON. */
  readonly keepItem?: (id: string, item: string) => void;
}

/**
 * Reads a provider's stream. Each event is one that the framing holds: a server-sent event, or a line of JSON as `data`. What
 * ends without the dialect's end ends in a `failure`; nothing in a stream makes it throw.
 */
export interface StreamDecoder {
  push(event: ServerEvent): readonly ReplyEvent[];
  /** The provider's reply is over. */
  end(): readonly ReplyEvent[];
}

/** Writes a caller's stream, framing included. Of a `failure` it writes nothing: `fail` does. */
export interface StreamEncoder {
  /** @throws AppError `upstream_broke` for a call that the dialect cannot say because its arguments are broken */
  push(event: ReplyEvent): string;
  /** Says that the stream fails here, whatever went before; nothing may be pushed after it. */
  fail(failure: Failure): string;
  /** What keeps a silent connection open, between any two events; empty where the dialect has nothing for it. */
  ping(): string;
}
