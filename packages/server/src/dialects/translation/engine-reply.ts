import { bytesOf } from "../../kernel/memory.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import type { Failure, UsageReaders } from "../dialect.ts";
import { engineFailure } from "../media/engine-failure.ts";
import { encodeFailureEvent } from "../openai-chat/failure.ts";
import type { TranslatedDocument } from "./document-translation.ts";
import type { Gathered, ReplyTranslator, StreamTranslator } from "./reply-translator.ts";

export interface EngineReplyOptions {
  readonly usage: UsageReaders;
  /** Of a reply that is no stream. */
  readonly contentType: string;
  /** The reply as the caller wants it, as events if it asked for a stream. */
  readonly translate: (body: Buffer) => TranslatedDocument | Promise<TranslatedDocument>;
}

/** The reply of an engine that answers when all is done, to callers that may want events all the same. */
export function createEngineReply({ usage, contentType, translate }: EngineReplyOptions): ReplyTranslator {
  let failure: UpstreamFailure | undefined;

  async function whole({ bytes }: Gathered): Promise<Buffer | undefined> {
    const result = await translate(bytes);
    if ("body" in result) return bytesOf(result.body);
    failure = result.failure;
    return undefined;
  }

  /** Events are nothing that these engines have. */
  function unexpected(): string {
    failure ??= { kind: "broken", status: 200, message: "" };
    return "";
  }

  const stream: StreamTranslator = {
    contentType: "text/event-stream",
    push: unexpected,
    end: unexpected,
    ping: () => "",
    fail: (reason: Failure) => encodeFailureEvent(reason).toString(),
  };
  return {
    usage,
    documentType: contentType,
    stream,
    whole,
    get failure() {
      return failure;
    },
    refusal: engineFailure,
  };
}

/** An event that is called what its type says. */
export function eventOf(data: { readonly type: string } & Readonly<Record<string, unknown>>): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}
