import type { Clock } from "../kernel/clock.ts";
import type { Reference } from "../kernel/reference.ts";
import { createEntry, type Entry } from "./entry.ts";

/** The references in use, by their text; of a bounded number. */
export interface Holding {
  find(text: string): Entry | undefined;
  /** Makes room by forgetting the one that was not used for longest. */
  add(reference: Reference): Entry;
  forget(text: string): void;
  forgetUnused(forMs: number): void;
  all(): readonly Entry[];
  clear(): void;
}

export function createHolding(clock: Clock, maxEntries: number): Holding {
  const entries = new Map<string, Entry>();

  function makeRoom(): void {
    if (entries.size < maxEntries) return;
    const oldest = [...entries.values()].reduce((found, entry) => (entry.usedAt < found.usedAt ? entry : found));
    entries.delete(oldest.reference.text);
  }

  return {
    find: (text) => entries.get(text),
    add(reference) {
      makeRoom();
      const entry = createEntry(reference, clock.monotonic());
      entries.set(reference.text, entry);
      return entry;
    },
    forget: (text) => void entries.delete(text),
    forgetUnused(forMs) {
      const now = clock.monotonic();
      for (const [text, { usedAt }] of entries) if (now - usedAt >= forMs) entries.delete(text);
    },
    all: () => [...entries.values()],
    clear: () => entries.clear(),
  };
}
