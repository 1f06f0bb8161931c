import { bytesOf } from "../../kernel/memory.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { codecById } from "../codecs.ts";
import { errorType } from "../counter.ts";
import type { DialectId, UsageReaders } from "../dialect.ts";
import type { ReplyTranslator } from "./reply-translator.ts";

/** A reply as the caller gets it, or why there is none. */
export type TranslatedDocument = { readonly body: Uint8Array } | { readonly failure: UpstreamFailure };

export interface DocumentTranslationOptions {
  /** The dialect of the provider, in which it says why it refuses. */
  readonly from: DialectId;
  readonly usage: UsageReaders;
  readonly translate: (body: Buffer) => TranslatedDocument | Promise<TranslatedDocument>;
}

/** Of a reply that is one document and never a stream: vectors, or the order of documents. */
export function createDocumentTranslation({ from, usage, translate }: DocumentTranslationOptions): ReplyTranslator {
  let failure: UpstreamFailure | undefined;
  return {
    usage,
    stream: undefined,
    get failure() {
      return failure;
    },
    async whole({ bytes }) {
      const result = await translate(bytes);
      if ("body" in result) return bytesOf(result.body);
      failure = result.failure;
      return undefined;
    },
    refusal(status, bytes) {
      const body = parsed(bytes);
      return codecById(from).decodeFailure(status, isObject(body) ? body : undefined);
    },
  };
}

/** The reply's JSON as `write` makes it; some providers say with status 200 that they failed. */
export function translateDocument(
  body: Uint8Array,
  from: DialectId,
  write: (body: unknown) => { readonly written: unknown } | UpstreamFailure,
): TranslatedDocument {
  const document = parsed(body);
  const isError = isObject(document) && errorType(document["error"]) !== undefined;
  const result = isError ? codecById(from).decodeFailure(200, document) : write(document);
  return "kind" in result ? { failure: result } : { body: Buffer.from(JSON.stringify(result.written)) };
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(bytesOf(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
