import type { ErrorCode } from "@portcullis/contract";
import type { Edit, ScannedObject, Span, WatchedKeys } from "../kernel/json-scan.ts";
import type { MediaUsage, TokenUsage } from "../kernel/tokens.ts";

export type DialectId = "anthropic-messages" | "gemini" | "ollama" | "openai-chat" | "openai-responses";

/**
 * How a reply that comes in pieces is framed: server-sent events; JSON documents, one a line; one JSON array whose elements
 * come one by one; or bytes that mean nothing to a gateway, such as audio.
 */
export type Framing = StreamFraming | "opaque";
export type StreamFraming = "sse" | "ndjson" | "json-array";

/** An address that clients of a dialect call. */
export interface DialectRoute {
  readonly method: "GET" | "POST" | "DELETE";
  /**
   * What clients call: `/v1/messages`. `{model}` stands for a model's name, which may hold slashes and colons, and is
   * then not looked for in the body: `/v1beta/models/{model}:generateContent`. Of a `kept` route, `{id}` stands for the
   * reply's.
   */
  readonly path: string;
  /** The same at a provider, behind the version segment: `/messages`. */
  readonly upstreamPath: string;
  /**
   * `count` routes count tokens, `describe` routes tell of a model, `kept` routes are about a reply that the provider has
   * kept; none of them uses tokens. What a `raw` route does is the provider's affair, and what it costs is not known.
   */
  readonly purpose: "inference" | "count" | "describe" | "kept" | "raw";
  /** What it is about, where other dialects or engines have something of the kind, so that it can be translated. */
  readonly topic?: "conversation" | "embedding" | "rerank" | "image" | "transcription";
  /** What a request carries; of an `opaque` body nothing is read. */
  readonly body: "json" | "multipart" | "none" | "opaque";
  /** Whether the reply comes in pieces: as the field `stream` says, where false or true is meant by its absence; or whatever it says. */
  readonly streams: "if_asked" | "unless_declined" | "always" | "never";
  readonly usage: UsageReaders;
  /**
   * The top-level keys of a JSON body that the functions here find in `fields`; those of `bodyKeys()` if left out. A body
   * may be so large that it is not to be looked through twice, nor a part of it in one go.
   */
  readonly keys?: WatchedKeys;
  /**
   * What makes the streamed reply to this JSON request state its usage; undefined if it does so anyway.
   *
   * @throws AppError `invalid_json` if the part to be changed gives a key twice, `invalid_request` if it is too large
   */
  askForUsage?(body: Buffer, fields: ScannedObject): UsageRequest | undefined;
  /**
   * What makes a reply that is one document be as this JSON request wants it, where a provider answers in its own way whatever it
   * is asked; undefined where there is nothing to be made.
   */
  documentFilter?(body: Buffer, fields: ScannedObject): StreamFilter | undefined;
  /** What the request alone says of its usage, for replies that state none: the text to be spoken. */
  requestedMedia?(body: Buffer, fields: ScannedObject): MediaUsage;
  /** Throws AppError if the body asks for what is not done for callers, whatever the model. */
  check?(body: Buffer, fields: ScannedObject): void;
  /** Throws AppError `invalid_request` where the query (with its `?`) asks for a reply that cannot be read. */
  checkQuery?(query: string): void;
  /**
   * Where a body names the model once more, although its address or a field of its own does.
   *
   * @throws AppError `invalid_json` if a part that names it gives a key twice, `invalid_request` if there are too many
   */
  findNames?(body: Buffer, fields: ScannedObject): readonly Span[] | Promise<readonly Span[]>;
  /**
   * What to change there if the model is called `model` at the provider; nothing where every name is that one. It is asked
   * even if the caller asked for the model by that very name.
   */
  renameModel?(body: Buffer, model: string, names: readonly Span[]): readonly Edit[];
}

export interface UsageReaders {
  /** For a reply that is one JSON document. */
  body(): UsageReader;
  /** For a reply that comes in pieces; never asked for one that is opaque. */
  stream(framing: StreamFraming): UsageReader;
}

/** An error of ours, to be put into a caller's dialect. */
export interface Failure {
  readonly code: ErrorCode;
  readonly status: number;
  readonly message: string;
  readonly hint?: string;
  readonly retryAfterSeconds?: number;
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
  /** The id that the provider keeps the reply under, where it can be asked for again. */
  readonly responseId?: string | undefined;
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
  readonly failure: {
    /** The answer in place of a reply: the status, and a JSON body. */
    encode(failure: Failure): { readonly status: number; readonly body: Buffer };
    /**
     * What tells the caller of a stream under way, of which `reading` is what was seen, that it failed; undefined where
     * that cannot be said behind what was sent.
     */
    encodeEvent(failure: Failure, reading: UsageReading | undefined, framing: StreamFraming): Buffer | undefined;
  };
}
