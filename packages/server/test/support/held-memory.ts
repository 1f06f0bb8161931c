import { setTimeout } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** Less is no sign that a collection still frees. */
const restBytes = 100_000;

/**
 * The bytes of all buffers that this process holds, once a collection brings nothing more: buffers are given back by another thread,
 * some time after the collection that found them.
 */
export async function heldBytes(): Promise<number> {
  let before = Number.POSITIVE_INFINITY;
  for (;;) {
    collectGarbage();
    await setTimeout(30);
    const now = process.memoryUsage().arrayBuffers;
    if (now > before - restBytes) return now;
    before = now;
  }
}
