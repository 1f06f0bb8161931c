import { AppError } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import { parseReference, type Reference } from "../kernel/reference.ts";
import type { Secret } from "../kernel/secret.ts";
import { createAttempts } from "./attempts.ts";
import { due, usable, type Entry } from "./entry.ts";
import { healthOf, stateOf, type ReferenceState, type SourceHealth } from "./health.ts";
import { createHolding } from "./holding.ts";
import type { ReaderParts } from "./reader.ts";
import { createReaders } from "./readers.ts";
import type { SourceSettings } from "./settings.ts";

/*
 * Values that lie elsewhere, read when they are used, held in memory for a bounded time, never written anywhere.
 *
 * States of a reference: *absent* – not read yet, or too old. *fresh* – younger than the cache allows. *failing* – the last
 * attempt failed: the last value is used until it is `keepMs` old, and the source is asked again after 5 s at the earliest. A
 * source that answers that there is nothing has not failed: its value goes at once. What is in use is read again before it
 * is too old, so that no request waits; what nobody used for `keepMs` is forgotten.
 */

export interface Sources {
  /** The value. Throws `reference_invalid`, `source_failed`. */
  resolve(reference: string): Promise<Secret>;
  /**
   * The value if it is at hand, at once; one that is due is read again meanwhile. `undefined`: call `resolve`. It is the same
   * object as long as the value is the same.
   */
  cached(reference: string): Secret | undefined;
  /** `undefined` of a reference that is not in use. */
  describe(reference: string): ReferenceState | undefined;
  health(): readonly SourceHealth[];
  /** Forgets the value, so that the next use reads it anew. */
  forget(reference: string): void;
  /** Reads again what is in use and due. A timer calls it every second; resolves when all attempts are over. */
  refresh(): Promise<void>;
  /** Puts other settings in force. Values at hand stay; what is read from now on comes by the new settings. */
  adopt(settings: SourceSettings): void;
  close(): void;
}

export interface SourcesParts extends ReaderParts {
  readonly log: Log;
  /** References at most; the least recently used goes first. */
  readonly maxEntries?: number;
}

export function createSources(parts: SourcesParts): Sources {
  const { clock, log, maxEntries = 1_000 } = parts;
  const holding = createHolding(clock, maxEntries);
  let { settings } = parts;
  let readers = createReaders(parts);
  const read = createAttempts({ clock, log, ages: () => settings, readNow: (to) => readers(to.kind)(to) });

  function atHand(entry: Entry): Secret | undefined {
    const now = clock.monotonic();
    entry.usedAt = now;
    if (entry.under === undefined && entry.value !== undefined && due(entry, now, settings)) startReading(entry);
    return usable(entry, now, settings);
  }

  function startReading(entry: Entry): void {
    read(entry).catch(() => undefined); // whoever waits for it is told, and so is the log
  }

  const state = (entry: Entry): ReferenceState => stateOf(entry, clock.monotonic(), settings);

  async function refresh(): Promise<void> {
    const now = clock.monotonic();
    holding.forgetUnused(Math.max(settings.keepMs, settings.cacheMs));
    const late = holding.all().filter((entry) => entry.under !== undefined || due(entry, now, settings));
    await Promise.allSettled(late.map(read));
  }

  const timer = setInterval(() => void refresh(), 1_000).unref();

  return {
    async resolve(text) {
      const entry = holding.find(text) ?? holding.add(requireReference(text));
      const value = atHand(entry);
      if (value !== undefined) return value;
      if (entry.failure !== undefined && !due(entry, clock.monotonic(), settings)) throw entry.failure;
      return read(entry);
    },
    cached(text) {
      const entry = holding.find(text);
      return entry === undefined ? undefined : atHand(entry);
    },
    describe(text) {
      const entry = holding.find(text);
      return entry === undefined ? undefined : state(entry);
    },
    health: () => healthOf(holding.all().map(state)),
    forget: (text) => holding.forget(text),
    refresh,
    adopt(next) {
      settings = next;
      readers = createReaders({ ...parts, settings: next });
      for (const entry of holding.all()) entry.failedAt = Number.NEGATIVE_INFINITY;
    },
    close() {
      clearInterval(timer);
      holding.clear();
    },
  };
}

/** Throws `reference_invalid`. */
function requireReference(text: string): Reference {
  const reference = parseReference(text);
  if ("problem" in reference) throw new AppError("reference_invalid", { problem: reference.problem });
  return reference;
}
