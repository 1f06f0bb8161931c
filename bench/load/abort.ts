import { Connection, type Question } from "./connection.ts";
import type { Load } from "./order.ts";
import { Tally } from "./tally.ts";

/** As a closed loop, but every so many-th exchange is given up: sometimes at once, at the latest in the middle. */
export async function runAbort(
  question: Question,
  { connections, seconds, every }: { readonly connections: number; readonly seconds: number; readonly every: number },
): Promise<Load> {
  const tally = new Tally();
  const deadline = tally.startedAt + seconds * 1_000;
  let asked = 0;
  let aborted = 0;

  /** How many texts to wait for before giving up; `undefined` to read to the end. */
  const patience = (): number | undefined => {
    asked += 1;
    return asked % every === 0 ? 1 + ((asked / every) % Math.max(1, Math.floor(question.markers / 2))) : undefined;
  };
  const askOnce = (connection: Connection, leaveAfter: number | undefined): Promise<void> =>
    new Promise((resolve) => {
      const sentAt = performance.now();
      connection.ask({
        onProgress: (_now, markers) => {
          if (leaveAfter === undefined || markers < leaveAfter) return;
          aborted += 1;
          connection.close();
          resolve();
        },
        onWhole: (now) => {
          tally.finish(now, now - sentAt);
          resolve();
        },
        onFailure: (problem) => {
          tally.fail(problem);
          resolve();
        },
      });
    });
  const keepAsking = async (): Promise<void> => {
    const connection = new Connection(question);
    while (performance.now() < deadline) await askOnce(connection, patience());
    connection.close();
  };
  await Promise.all(Array.from({ length: connections }, keepAsking));
  return tally.load({ aborted });
}
