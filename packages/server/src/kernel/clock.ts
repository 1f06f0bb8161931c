/** Where time comes from. Everything that needs time takes a `Clock`, so a test can hold it still. */
export interface Clock {
  /** Wall time, milliseconds since 1970-01-01 UTC. For records and expiry. */
  now(): number;
  /** Monotonic time in milliseconds with a fraction. For durations and limits; unharmed by clock jumps. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** A clock that moves only when told to. */
export function fakeClock(startMs = Date.UTC(2026, 0, 1)): Clock & { advance(ms: number): void } {
  let elapsedMs = 0;
  return {
    now: () => startMs + elapsedMs,
    monotonic: () => elapsedMs,
    advance(ms) {
      elapsedMs += ms;
    },
  };
}

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Parses `90s`, `15m`, `24h`, `30d`, `2w` or `250ms` into milliseconds; `undefined` if it is none of these. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d|w)$/.exec(text.trim());
  const unit = units[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** `2026-01-31T08:00:00.000Z` */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
