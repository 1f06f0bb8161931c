import { setTimeout as pause } from "node:timers/promises";
import type { Clock } from "../../kernel/clock.ts";

/*
 * How much of the machine re-wrapping takes: half of one core (but for what V8 does beside it), be it worked on in one
 * thread or in two. After each piece it rests for as long as both together worked, less what has passed without work.
 */
export interface Pace {
  /** Waits for the other thread, which is no work of this one. */
  wait(answer: Promise<unknown>): Promise<void>;
  /** The other thread has worked for so long. */
  add(workedMs: number): void;
  /** A piece is done. */
  rest(): Promise<void>;
}

/** Resolves once the work may go on, after so long. */
export type Rest = (ms: number) => Promise<void>;

const leastMs = 1;

export function createPace(clock: Clock, rest: Rest = (ms) => pause(ms)): Pace {
  let startedAt = clock.monotonic();
  let waitedMs = 0;
  let elsewhereMs = 0;
  return {
    async wait(answer) {
      const since = clock.monotonic();
      await answer;
      waitedMs += clock.monotonic() - since;
    },
    add(workedMs) {
      elsewhereMs += workedMs;
    },
    async rest() {
      const passedMs = clock.monotonic() - startedAt;
      const workedMs = passedMs - waitedMs + elsewhereMs;
      await rest(Math.max(leastMs, 2 * workedMs - passedMs));
      startedAt = clock.monotonic();
      [waitedMs, elsewhereMs] = [0, 0];
    },
  };
}
