import type { Citation } from "../canonical/conversation.ts";
import { isObject, present } from "../canonical/wire.ts";
import { text } from "../counter.ts";

/**
 * What a text rests on. Their places in the source are numbers that mean nothing without it, so the words that are cited
 * stand for them.
 */
function citationOf(value: unknown): Citation | undefined {
  if (!isObject(value)) return undefined;
  const source = text(value, "source");
  const citation = present({
    url: text(value, "url") ?? (source !== undefined && /^https?:\/\//i.test(source) ? source : undefined),
    title: text(value, "title") ?? text(value, "document_title"),
    quote: text(value, "cited_text"),
  });
  return Object.keys(citation).length === 0 ? undefined : citation;
}

export function citationsOf(value: unknown): readonly Citation[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const citations = value.map(citationOf).filter((each) => each !== undefined);
  return citations.length === 0 ? undefined : citations;
}
