import type { Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";

/*
 * Opened values, kept for a bounded time so that a request does not wait for the database. An entry lives `ttlMs` from
 * when it was opened, by the monotonic clock, and is dropped at the next use of the cache after that. All entries live
 * equally long, so the oldest in order is the first to expire.
 *
 * `ticket` guards against a value that was read before a revocation and arrives after it: whoever is about to read takes
 * a ticket, and what it read is kept only if nothing was forgotten since.
 *
 * A value is a JavaScript string in the end. It cannot be overwritten; dropped, it is left to the garbage collector.
 */

interface Entry {
  readonly value: Secret;
  readonly origins: readonly string[];
  readonly expiresAtMs: number;
}

export interface SecretCache {
  readonly size: number;
  ticket(): number;
  keep(key: string, value: Secret, origins: readonly string[], ticket: number): void;
  find(key: string, origin: string): Secret | undefined;
  forget(key: string): void;
  clear(): void;
}

export function createSecretCache(clock: Clock, ttlMs: number, maxEntries = 1_000): SecretCache {
  const entries = new Map<string, Entry>();
  let forgotten = 0;

  function dropOldest(): void {
    const nowMs = clock.monotonic();
    for (const [key, entry] of entries) {
      if (entry.expiresAtMs > nowMs && entries.size <= maxEntries) return;
      entries.delete(key);
    }
  }

  return {
    get size() {
      dropOldest();
      return entries.size;
    },
    ticket: () => forgotten,
    keep(key, value, origins, ticket) {
      if (ticket !== forgotten) return;
      entries.delete(key); // so that it goes to the end of the order
      entries.set(key, { value, origins, expiresAtMs: clock.monotonic() + ttlMs });
      dropOldest();
    },
    find(key, origin) {
      dropOldest();
      const entry = entries.get(key);
      return entry?.origins.includes(origin) === true ? entry.value : undefined;
    },
    forget(key) {
      forgotten++;
      entries.delete(key);
    },
    clear() {
      forgotten++;
      entries.clear();
    },
  };
}
