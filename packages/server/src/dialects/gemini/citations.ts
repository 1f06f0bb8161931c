import type { Citation, JsonObject } from "../canonical/conversation.ts";
import { present } from "../canonical/wire.ts";
import { field, text } from "../counter.ts";

/** What a candidate rests on. Which part of the text it was is told in bytes of the whole answer, and left out. */
export function citationsOf(candidate: unknown): readonly Citation[] {
  const chunks = listAt(candidate, "groundingMetadata", "groundingChunks").map((chunk) => {
    return field(chunk, "web") ?? field(chunk, "retrievedContext") ?? field(chunk, "maps");
  });
  const sources = ["citationSources", "citations"].flatMap((name) => listAt(candidate, "citationMetadata", name));
  return [...chunks, ...sources].flatMap((source): readonly Citation[] => {
    const url = text(source, "uri");
    const title = text(source, "title");
    return url === undefined && title === undefined ? [] : [present({ url, title })];
  });
}

function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = field(value, ...path);
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

/** Citations as what a search found; undefined if there are none with an address. */
export function groundingOf(citations: readonly Citation[]): JsonObject | undefined {
  const byUrl = new Map(
    citations.flatMap(({ url, title }) => (url === undefined ? [] : [[url, title ?? url] as const])),
  );
  if (byUrl.size === 0) return undefined;
  const groundingChunks = [...byUrl].map(([uri, title]) => ({ web: { uri, title } }));
  return { groundingChunks, groundingSupports: [], webSearchQueries: [] };
}
