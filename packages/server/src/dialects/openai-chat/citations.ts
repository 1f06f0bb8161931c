import type { Citation, JsonObject } from "../canonical/conversation.ts";
import { isObject, present } from "../canonical/wire.ts";
import { counter, field, text } from "../counter.ts";

/** The pages that a text rests on, as `annotations` name them; undefined if there are none. Other annotations are passed over. */
export function citationsOf(annotations: unknown): readonly Citation[] | undefined {
  if (!Array.isArray(annotations)) return undefined;
  const found = annotations.filter(isObject).flatMap((annotation): Citation[] => {
    const cited = field(annotation, "url_citation");
    const url = text(cited, "url");
    if (annotation["type"] !== "url_citation" || url === undefined) return [];
    const [title, start, end] = [text(cited, "title"), counter(cited, "start_index"), counter(cited, "end_index")];
    return [{ url, ...present({ title, start, end }) }];
  });
  return found.length === 0 ? undefined : found;
}

/**
 * The same for a caller, of a text that begins at `offset` of the message. Clients want all of it, so what is not known is
 * filled in: the whole of the text, and the address for its title. What has no address cannot be said.
 */
export function annotationsOf(citations: readonly Citation[], offset: number, length: number): readonly JsonObject[] {
  return citations.flatMap(({ url, title, start, end }) => {
    if (url === undefined) return [];
    const range = { start_index: offset + (start ?? 0), end_index: offset + (end ?? length) };
    return [{ type: "url_citation", url_citation: { url, title: title ?? url, ...range } }];
  });
}
