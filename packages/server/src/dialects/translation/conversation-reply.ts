import { bytesOf } from "../../kernel/memory.ts";
import type { ThinkingPart } from "../canonical/conversation.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import { createStateSeal } from "../canonical/state-seal.ts";
import type { ReplyContext } from "../codec.ts";
import { codecById } from "../codecs.ts";
import type { DialectId, UsageReaders } from "../dialect.ts";
import { ReplyTranslation, type ReplyTranslationOptions } from "./reply.ts";

/** All that the translation of a gathered reply needs; it can be cloned to another thread. */
export interface ConversationReplyJob extends Omit<ReplyTranslationOptions, "context" | "remember"> {
  readonly body: Uint8Array;
  readonly cameAsStream: boolean;
  readonly asStream: boolean;
  readonly context: Omit<ReplyContext, "seal" | "keepItem">;
  readonly sealKey: Uint8Array;
  /** Whether what was thought before calls is asked for. */
  readonly remembers: boolean;
  /** What is longer, in characters, nobody keeps, so it need not come back. */
  readonly mostKept: number;
}

export interface TranslatedReply {
  readonly body: Uint8Array;
  /** What was thought before a call, by the call's id. */
  readonly thoughts: readonly (readonly [callId: string, thoughts: readonly ThinkingPart[]])[];
  /** The items that the caller may refer to, as JSON, by their ids. */
  readonly items: readonly (readonly [id: string, item: string])[];
}

export function translateConversationReply(
  job: ConversationReplyJob,
): TranslatedReply | { readonly failure: UpstreamFailure } {
  const { body, cameAsStream, asStream, sealKey, remembers, mostKept, ...options } = job;
  const thoughts: [string, readonly ThinkingPart[]][] = [];
  const items: [string, string][] = [];
  const translation = new ReplyTranslation({
    ...options,
    context: {
      ...options.context,
      seal: createStateSeal(sealKey),
      keepItem(id, item) {
        if (item.length <= mostKept) items.push([id, item]);
      },
    },
    remember: remembers ? remember : undefined,
  });
  function remember(callId: string, parts: readonly ThinkingPart[]): void {
    if (parts.every(({ text }) => text.length <= mostKept)) thoughts.push([callId, parts]);
  }
  const bytes = bytesOf(body);
  const text = asStream ? translation.wholeAsStream(bytes) : translation.whole(bytes, cameAsStream);
  if (text !== undefined) return { body: Buffer.from(text), thoughts, items };
  return { failure: translation.failure ?? { kind: "broken", status: 200, message: "" } };
}

/** Where the counts stand in a reply, and in an answer to a request for counts. */
export function conversationUsage(from: DialectId): UsageReaders {
  return codecById(from).usage;
}
