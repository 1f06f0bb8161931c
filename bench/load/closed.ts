import { setTimeout as sleep } from "node:timers/promises";
import { Connection, type Question } from "./connection.ts";
import type { Load } from "./order.ts";
import { Tally, firstByteTimer } from "./tally.ts";

/** Each connection asks again as soon as its reply is complete; what is under way when the time is over is awaited. */
export async function runClosed(
  question: Question,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Load> {
  const tally = new Tally();
  const deadline = tally.startedAt + seconds * 1_000;
  const keepAsking = async (): Promise<void> => {
    const connection = new Connection(question);
    while (performance.now() < deadline) {
      if (!(await askOnce(connection, tally))) await sleep(10); // not to spin on one that refuses connections
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, keepAsking));
  return tally.load();
}

/** True if the reply was whole and right. */
function askOnce(connection: Connection, tally: Tally): Promise<boolean> {
  return new Promise((resolve) => {
    const sentAt = performance.now();
    connection.ask({
      onProgress: firstByteTimer(tally.firstByte, sentAt),
      onWhole: (now) => {
        tally.finish(now, now - sentAt);
        resolve(true);
      },
      onFailure: (problem) => {
        tally.fail(problem);
        resolve(false);
      },
    });
  });
}
