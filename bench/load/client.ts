/** A load generator in a process of its own. One argument: a `LoadOrder` as JSON; its last line is a `Load` as JSON. */
import { runAbort } from "./abort.ts";
import { runClosed } from "./closed.ts";
import { questionOf, type Question } from "./connection.ts";
import { runHold } from "./hold.ts";
import { runOpen } from "./open.ts";
import type { Load, LoadOrder, Work } from "./order.ts";
import { runStall } from "./stall.ts";

const order = JSON.parse(process.argv[2] ?? "") as LoadOrder; // only load/put.ts starts this program

function run(question: Question, work: Work): Promise<Load> {
  switch (work.kind) {
    case "closed":
      return runClosed(question, work);
    case "open":
      return runOpen(question, work);
    case "hold":
      return runHold(question, work);
    case "abort":
      return runAbort(question, work);
    case "stall":
      return runStall(question, work);
  }
}

process.stdin.resume().once("end", () => process.exit(1)); // the bench is gone
setTimeout(() => process.exit(1), (order.work.seconds + 90) * 1_000).unref(); // a reply that never ends
const load = await run(questionOf(order), order.work);
process.stdout.write(`${JSON.stringify(load)}\n`, () => process.exit(0));
