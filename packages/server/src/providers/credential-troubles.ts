import type { CredentialState } from "./credential-state.ts";

export type TroubleKind = Extract<CredentialState, "wrong_origin" | "unreadable" | "source_failed" | "refused">;

/** What went wrong with a credential while it was used. */
export interface Trouble {
  readonly kind: TroubleKind;
  /** How often since. */
  readonly count: number;
  /** When it last happened, in milliseconds. */
  readonly at: number;
}

export type Troubles = ReturnType<typeof createTroubles>;

/**
 * The credentials that went wrong in use, in memory: which are to be used last, and what there is to tell. The next
 * success of a credential forgets its trouble.
 */
export function createTroubles() {
  const troubles = new Map<string, Trouble>();
  return {
    /** So that a request pays nothing where all is well. */
    get none(): boolean {
      return troubles.size === 0;
    },
    of: (id: string): Trouble | undefined => troubles.get(id),
    note(id: string, kind: TroubleKind, at: number): void {
      const known = troubles.get(id);
      troubles.set(id, { kind, at, count: known?.kind === kind ? known.count + 1 : 1 });
    },
    /** Forgets it; with `kinds`, only if it is one of these. */
    clear(id: string, kinds?: readonly TroubleKind[]): void {
      if (troubles.size === 0) return;
      const known = troubles.get(id);
      if (known !== undefined && (kinds === undefined || kinds.includes(known.kind))) troubles.delete(id);
    },
    /** Forgets everyone who is not among these. */
    keepOnly(isThere: (id: string) => boolean): void {
      for (const id of troubles.keys()) if (!isThere(id)) troubles.delete(id);
    },
  };
}
