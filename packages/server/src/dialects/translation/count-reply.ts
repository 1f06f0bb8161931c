import { isObject } from "../canonical/wire.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { createDocumentTranslation, translateDocument } from "./document-translation.ts";
import type { ReplyTranslator } from "./reply-translator.ts";

export interface CountReplyOptions {
  /** The dialect of the provider, which can count. */
  readonly from: DialectId;
  /** The caller's. */
  readonly to: DialectId;
}

/** How many tokens a request would have, as the provider counted them. */
export function createCountReply({ from, to }: CountReplyOptions): ReplyTranslator {
  const [provider, caller] = [codecById(from), codecById(to)];
  return createDocumentTranslation({
    from,
    usage: provider.usage,
    translate: (bytes) =>
      translateDocument(bytes, from, (body) => {
        const tokens = isObject(body) ? provider.count?.decode(body) : undefined;
        if (tokens === undefined) return { kind: "broken", status: 200, message: "the reply is no count of tokens" };
        return { written: caller.count?.encodeReply(tokens) };
      }),
  });
}
