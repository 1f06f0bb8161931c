import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Vault } from "../vault/index.ts";
import { removeSealed } from "./credential-changes.ts";
import { createQueues } from "./queues.ts";
import { packPrevious, recordOf, unpackPrevious, type PreviousKey } from "./sealed-text.ts";

/** A key that may come back, without the key. */
export interface Overlap {
  readonly until: number;
  readonly lastFour: string;
}

interface OverlapParts {
  readonly clock: Clock;
  readonly vault: Pick<Vault, "put" | "get" | "list" | "remove" | "forget">;
}

/** There is no such key, it was sealed for another address, or somebody has spoilt its record. */
export const absent: ReadonlySet<string> = new Set(["not_found", "vault_origin_refused", "vault_record_unreadable"]);

/**
 * The keys before the last rotations, as long as they may come back. What is done to one credential's key is done in
 * turn: `inTurn` is for whoever changes it.
 */
export function createOverlaps({ clock, vault }: OverlapParts) {
  const overlaps = new Map<string, Overlap>();
  const inTurn = createQueues();

  async function keep(id: string, previous: PreviousKey, origin: string): Promise<void> {
    await vault.put(recordOf(id, "previous"), packPrevious(previous), [origin]);
    overlaps.set(id, { until: previous.until, lastFour: previous.key.lastFour });
  }

  async function drop(id: string): Promise<void> {
    await removeSealed(vault, id, ["previous"]);
    overlaps.delete(id);
  }

  /** `undefined` if there is none, or none that may go to this origin. */
  async function read(id: string, origin?: string): Promise<PreviousKey | undefined> {
    const ref = recordOf(id, "previous");
    try {
      return unpackPrevious(await vault.get(ref, origin), id);
    } catch (error) {
      if (error instanceof AppError && absent.has(error.code)) return undefined;
      throw error;
    } finally {
      vault.forget(ref);
    }
  }

  async function load(id: string): Promise<void> {
    const previous = await read(id);
    if (previous !== undefined) overlaps.set(id, { until: previous.until, lastFour: previous.key.lastFour });
  }

  async function end(id: string): Promise<readonly string[]> {
    if ((overlaps.get(id)?.until ?? Infinity) > clock.now()) return [];
    await drop(id);
    return [id];
  }

  return {
    inTurn,
    keep,
    drop,
    read,
    of: (id: string): Overlap | undefined => overlaps.get(id),

    loadAll: async (): Promise<void> => {
      const kept = (await vault.list("credential")).filter(({ field }) => field === "previous");
      for (const { id } of kept) await inTurn(id, () => load(id));
    },

    endAll: async (): Promise<readonly string[]> => {
      const over = [...overlaps].filter(([, { until }]) => until <= clock.now());
      return (await Promise.all(over.map(([id]) => inTurn(id, () => end(id))))).flat();
    },

    /** Forgets those of credentials that are gone. */
    keepOnly: (isThere: (id: string) => boolean): void => {
      for (const id of overlaps.keys()) if (!isThere(id)) overlaps.delete(id);
    },
  };
}
