import { Recorder } from "../statistics.ts";
import type { Load } from "./order.ts";

/** Counts what comes of a load, until it is told as a `Load`. */
export class Tally {
  readonly whole = new Recorder();
  readonly firstByte = new Recorder();
  readonly startedAt = performance.now();
  exchanges = 0;
  errors = 0;
  #firstError: string | undefined;
  #endedAt = this.startedAt;

  /** An exchange that is only counted has no time. */
  finish(now: number, tookMs: number | undefined): void {
    this.exchanges += 1;
    this.#endedAt = now;
    if (tookMs !== undefined) this.whole.add(tookMs);
  }

  fail(problem: string): void {
    this.errors += 1;
    this.#firstError ??= problem;
  }

  load(more: Partial<Load> = {}): Load {
    return {
      tool: "bench/load",
      exchanges: this.exchanges,
      seconds: (this.#endedAt - this.startedAt) / 1_000,
      errors: this.errors,
      ...(this.#firstError === undefined ? {} : { firstError: this.#firstError }),
      whole: this.whole.percentiles(),
      firstByte: this.firstByte.percentiles(),
      ...more,
    };
  }
}

/** The time of the first progress after `sentAt` goes to the recorder. */
export function firstByteTimer(recorder: Recorder, sentAt: number): (now: number) => void {
  let seen = false;
  return (now) => {
    if (!seen) recorder.add(now - sentAt);
    seen = true;
  };
}
