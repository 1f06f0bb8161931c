import type { ErrorCode } from "@portcullis/contract";
import type { Edit, ScannedObject } from "../kernel/json-scan.ts";
import type { TokenUsage } from "../kernel/tokens.ts";

export type DialectId = "anthropic-messages" | "openai-chat" | "openai-responses";

/** An address that clients of a dialect call. */
export interface DialectRoute {
  readonly method: "POST";
  /** What clients call: `/v1/messages`. */
  readonly path: string;
  /** The same at a provider, behind the version segment: `/messages`. */
  readonly upstreamPath: string;
  /** `count` routes count tokens and use none. */
  readonly purpose: "inference" | "count";
}

/** An error of ours, to be put into a caller's dialect. */
export interface Failure {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly hint?: string;
  readonly requestId: string;
}

/** What a reply, as far as it came, said of itself. */
export interface UsageReading {
  /** What the provider counted; undefined if it stated nothing. In a reply that was cut, the output may be too low. */
  readonly tokens: TokenUsage | undefined;
  /** The model as the provider names it. */
  readonly model: string | undefined;
  /** Why generation stopped, in the dialect's own word. */
  readonly stopReason: string | undefined;
  /** Whether the reply was seen to its end: an end marker in a stream, the closing brace of a body. */
  readonly complete: boolean;
  /**
   * Bytes of generated text that were seen, to estimate tokens where none were stated. Counted in every stream;
   * in a body only if it states no usage, and 0 otherwise.
   */
  readonly outputBytes: number;
  /** The type of the error that a reply with status 200 carried, or of an error body. */
  readonly failure: string | undefined;
  /** Which reply a stream's first event announced, where the dialect's error events must name it. */
  readonly announced: AnnouncedReply | undefined;
}

export interface AnnouncedReply {
  readonly id: string;
  /** Seconds since 1970. */
  readonly createdAt: number;
  readonly model: string | undefined;
  /** The sequence number that the stream's next event would have. */
  readonly nextSequence: number;
}

/**
 * Watches one reply go by. It never changes, decodes or keeps what is not needed; its memory is bounded whatever
 * arrives; nothing in a reply makes it throw.
 */
export interface UsageReader {
  /** The chunk must not change afterwards. Chunks may be split anywhere. */
  push(chunk: Buffer): void;
  /** May be called again; nothing may be pushed after it. */
  end(): UsageReading;
}

/** Passes a stream on, less what the caller did not ask for. */
export interface StreamFilter {
  /** What may go to the caller now; undefined if all of it must wait. */
  push(chunk: Buffer): Buffer | undefined;
  /** What had waited for the rest of an event that never came. */
  end(): Buffer | undefined;
}

/** How to make a provider state the usage of a streamed reply, unseen by the caller. */
export interface UsageRequest {
  /** What to change in the request's body. */
  readonly edits: readonly Edit[];
  /** Takes out of the caller's copy of the reply what the change put into it. */
  filter(): StreamFilter;
}

/** A wire format that clients and providers speak. Pure: no clock, no network. */
export interface Dialect {
  readonly id: DialectId;
  readonly name: string;
  readonly routes: readonly DialectRoute[];
  /**
   * What makes the reply to this request state its usage; undefined if it does so anyway.
   *
   * @param fields the body, scanned for at least `stream` and `stream_options`
   * @throws AppError `invalid_json` if the part to be changed gives a key twice
   */
  askForUsage(body: Buffer, fields: ScannedObject): UsageRequest | undefined;
  readonly usage: {
    /** For a reply that is one JSON document. */
    body(): UsageReader;
    /** For a reply of server-sent events. */
    stream(): UsageReader;
  };
  readonly failure: {
    /** The answer in place of a reply: the status, and a JSON body. */
    encode(failure: Failure): { readonly status: number; readonly body: Buffer };
    /** The event that tells the caller of a stream under way, of which `reading` is what was seen, that it failed. */
    encodeEvent(failure: Failure, reading: UsageReading | undefined): Buffer;
  };
}
