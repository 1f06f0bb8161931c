import { isObject } from "../canonical/wire.ts";
import { codecById } from "../codecs.ts";
import type { DialectId } from "../dialect.ts";
import { translateDocument, type TranslatedDocument } from "./document-translation.ts";

/** All that the translation of a count of tokens needs; it can be cloned to another thread. */
export interface CountReplyJob {
  readonly body: Uint8Array;
  /** The dialect of the provider, which can count. */
  readonly from: DialectId;
  /** The caller's. */
  readonly to: DialectId;
}

/** How many tokens a request would have, as the provider counted them. */
export function translateCountReply({ body, from, to }: CountReplyJob): TranslatedDocument {
  return translateDocument(body, from, (document) => {
    const tokens = isObject(document) ? codecById(from).count?.decode(document) : undefined;
    if (tokens === undefined) return { kind: "broken", status: 200, message: "the reply is no count of tokens" };
    return { written: codecById(to).count?.encodeReply(tokens) };
  });
}
