/*
 * A vault whose key is with a service that is away opens by itself once the service is back. Tries again after 1, 2, 4, …
 * seconds, at most a minute apart, until an attempt says that there is no more to try or somebody stops it. One attempt at
 * a time.
 */

export interface Reopening {
  /** Does nothing if it is under way. */
  begin(): void;
  stop(): void;
}

/** Says whether to try again. Does nothing for good once it is no longer wanted. Never rejects. */
export type Attempt = (isWanted: () => boolean) => Promise<boolean>;

export function createReopening(attempt: Attempt, { firstMs = 1_000, mostMs = 60_000 } = {}): Reopening {
  let timer: NodeJS.Timeout | undefined;
  let round = 0; // which `begin` is in force; an attempt of an earlier one goes nowhere
  const wait = (delayMs: number, mine: number): void => {
    timer = setTimeout(() => void next(delayMs, mine), delayMs).unref();
  };
  const next = async (delayMs: number, mine: number): Promise<void> => {
    const again = await attempt(() => mine === round);
    if (mine !== round) return;
    timer = undefined;
    if (again) wait(Math.min(delayMs * 2, mostMs), mine);
  };
  return {
    begin() {
      if (timer === undefined) wait(firstMs, ++round);
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
      round++;
    },
  };
}
