import type { Clock } from "../kernel/clock.ts";
import { Slots } from "../kernel/slots.ts";

/** What may stall, and is asked now and then whether it has. */
export interface Watched {
  /** `nowMs` by the monotonic clock. */
  checkStall(nowMs: number): void;
}

/**
 * The limits watched over are seconds or more. What comes counts as come when the watch asks next, which may be so much
 * later, and a time is found to be over when it asks next after that.
 */
const longestPeriodMs = 1_000;
const shortestPeriodMs = 10;

/**
 * Asks everything under way, with one timer for all: a timer of its own for each exchange, set anew at each piece of a
 * reply, would cost more than the exchange's other bookkeeping together.
 */
export class StallWatch {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #periodMs: number;
  readonly #watched = new Slots<Watched>();
  #timer: NodeJS.Timeout | undefined;

  /** `limitMs`: the shortest of the times that are watched over. */
  constructor(limitMs: number, clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
    this.#periodMs = Math.max(shortestPeriodMs, Math.min(longestPeriodMs, limitMs / 20));
  }

  /** Returns what to give back to `remove`. */
  add(watched: Watched): number {
    this.#timer ??= setInterval(() => this.#ask(), this.#periodMs);
    return this.#watched.add(watched);
  }

  remove(slot: number): void {
    this.#watched.remove(slot);
  }

  /** Ends when there is nothing left to ask: it keeps the process alive until then, and no longer. */
  #ask(): void {
    const nowMs = this.#clock.monotonic();
    this.#watched.each((watched) => watched.checkStall(nowMs));
    if (this.#watched.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
