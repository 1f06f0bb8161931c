import { setTimeout as sleep } from "node:timers/promises";
import { Recorder } from "../statistics.ts";
import { Connection, type Question } from "./connection.ts";
import { openLine, type Load } from "./order.ts";
import { Tally } from "./tally.ts";

const openedPerTick = 10;
const tickMs = 10;
const patienceMs = 30_000;

/** One stream of many: how many events it has brought, and when the last one. */
interface Held {
  readonly connection: Connection;
  events: number;
  lastAt: number;
}

/** Opens streams a few at a time, says when all have begun, counts their events for a while, and closes them. */
export async function runHold(
  question: Question,
  { streams, seconds }: { readonly streams: number; readonly seconds: number },
): Promise<Load> {
  const tally = new Tally();
  const gaps = new Recorder();
  const held: Held[] = [];
  let measuring = false;
  const open = (): void => {
    const stream: Held = { connection: new Connection(question), events: 0, lastAt: 0 };
    held.push(stream);
    stream.connection.ask({
      onProgress: (now, markers) => {
        if (markers === stream.events) return;
        if (measuring) gaps.add(now - stream.lastAt);
        stream.events = markers;
        stream.lastAt = now;
      },
      onWhole: () => tally.fail("a stream ended while it was to be held"),
      onFailure: (problem) => tally.fail(problem),
    });
  };
  const events = (): number => held.reduce((sum, stream) => sum + stream.events, 0);

  const deadline = performance.now() + patienceMs + (streams / openedPerTick) * tickMs;
  while (held.length < streams) {
    for (let index = 0; index < Math.min(openedPerTick, streams - held.length); index += 1) open();
    await sleep(tickMs);
  }
  while (held.some((stream) => stream.events === 0) && performance.now() < deadline) await sleep(50);
  process.stdout.write(`${openLine}\n`);

  const [startedAt, before] = [performance.now(), events()];
  measuring = true;
  await sleep(seconds * 1_000);
  measuring = false;
  const [endedAt, after] = [performance.now(), events()];
  const begun = held.filter((stream) => stream.events > 0).length;
  for (let index = begun; index < streams; index += 1) tally.fail("a stream did not begin");
  for (const { connection } of held) connection.close();
  return tally.load({
    exchanges: begun,
    seconds: (endedAt - startedAt) / 1_000,
    events: after - before,
    gap: gaps.percentiles(),
  });
}
