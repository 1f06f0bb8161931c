/**
 * A thread that does nothing but wake the generator in time: the timers of an event loop are a millisecond wide, which is
 * more than what is to be measured. Its data: how often, in milliseconds, and for how long.
 */
import { parentPort, workerData } from "node:worker_threads";

export interface Pace {
  readonly everyMs: number;
  readonly ticks: number;
}

const { everyMs, ticks } = workerData as Pace; // only load/open.ts starts this program
const cell = new Int32Array(new SharedArrayBuffer(4));
const startedAt = performance.now();
for (let tick = 1; tick <= ticks; tick += 1) {
  const waitMs = startedAt + tick * everyMs - performance.now();
  if (waitMs > 0) Atomics.wait(cell, 0, 0, waitMs);
  parentPort?.postMessage(tick);
}
