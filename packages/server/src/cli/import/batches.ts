import type { ImportItem } from "@portcullis/contract";
import type { Candidate } from "./finding.ts";

/** What is sent at once: candidates, and before them the providers that they need, once more if those were sent before. */
export interface Batch<Each extends Candidate> {
  /** Providers whose results were told with an earlier batch. */
  readonly repeated: readonly ImportItem[];
  readonly candidates: readonly Each[];
}

// Far below what the admin API takes at once, and so few that a slow disk has them written long before the client gives up.
const mostItems = 50;
const mostBytes = 300_000;

export function batchesOf<Each extends Candidate>(candidates: readonly Each[]): readonly Batch<Each>[] {
  const batches: Each[][] = [];
  let bytes = 0;
  for (const candidate of candidates) {
    const size = Buffer.byteLength(JSON.stringify(candidate.item));
    const current = batches.at(-1);
    if (current === undefined || current.length >= mostItems || bytes + size > mostBytes) {
      batches.push([candidate]);
      bytes = size;
    } else {
      current.push(candidate);
      bytes += size;
    }
  }
  const providers = candidates.flatMap(({ item }) => (item.kind === "provider" ? [item] : []));
  return batches.map((batch) => ({ candidates: batch, repeated: needed(batch, providers) }));
}

type ProviderItem = Extract<ImportItem, { readonly kind: "provider" }>;

/** A dry run makes nothing, so a later batch would not find what an earlier one would have made. */
function needed(batch: readonly Candidate[], providers: readonly ProviderItem[]): readonly ImportItem[] {
  const own = new Set(batch.map(({ item }) => item));
  const addresses = new Set(
    batch.flatMap(({ item }) => (item.kind === "model" || item.kind === "credential" ? (item.base_url ?? []) : [])),
  );
  return [...new Map(providers.map((item) => [item.base_url, item])).values()].filter(
    (item) => addresses.has(item.base_url) && !own.has(item),
  );
}
