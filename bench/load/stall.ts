import { setTimeout as sleep } from "node:timers/promises";
import { Connection, type Question } from "./connection.ts";
import type { Load } from "./order.ts";
import { Tally } from "./tally.ts";

/** Asks, reads the beginning of the reply, and then nothing more until the time is over. */
export async function runStall(
  question: Question,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const tally = new Tally();
  const stalled = Array.from({ length: connections }, () => new Connection(question));
  for (const connection of stalled) {
    connection.ask({
      onProgress: () => connection.pause(),
      onWhole: () => tally.fail("a reply was complete that was not read"),
      onFailure: (problem) => tally.fail(problem),
    });
  }
  await sleep(seconds * 1_000);
  for (const connection of stalled) connection.close();
  return tally.load({ exchanges: connections, seconds });
}
