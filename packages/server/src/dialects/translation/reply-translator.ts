import type { UpstreamFailure } from "../canonical/reply.ts";
import type { Failure, UsageReaders } from "../dialect.ts";

/** A provider's reply on its way to a caller that could not read it as it is. */
export interface ReplyTranslator {
  /** Of the reply as the provider sends it. */
  readonly usage: UsageReaders;
  /** Once it is set, nothing more comes. */
  readonly failure: UpstreamFailure | undefined;
  /** What a reply that was gathered is to the caller; undefined if it is a failure. Throws AppError. */
  whole(gathered: Gathered): Promise<Buffer | undefined>;
  /** What an error answer says. */
  refusal(status: number, bytes: Buffer): UpstreamFailure;
  /** Of a whole reply; JSON unless it is said. */
  readonly documentType?: string;
  /** Undefined for what nobody can ask for in pieces. */
  readonly stream: StreamTranslator | undefined;
}

/** A reply that was gathered, and how it is wanted. */
export interface Gathered {
  /** Not to be used any more. */
  readonly bytes: Buffer;
  readonly cameAsStream: boolean;
  readonly asStream: boolean;
}

/** The same for a caller that wants a stream: `push` each chunk, then `end`. */
export interface StreamTranslator {
  readonly contentType: string;
  /** What the caller gets for this chunk, if anything. Throws what a framing reader throws. */
  push(chunk: Buffer): string;
  end(): string;
  /** What keeps a silent connection open. */
  ping(): string;
  /** How the caller's stream says that it fails here. */
  fail(failure: Failure): string;
}
