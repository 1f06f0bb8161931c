import { setTimeout as sleep } from "node:timers/promises";
import { residentBytes } from "../cpu.ts";
import { mainProvider, type ExchangeSpec } from "../exchanges.ts";
import type { Load } from "../load/order.ts";
import { reading } from "../loop.ts";
import type { Plan } from "../plan.ts";
import { withSession, type Session } from "../session.ts";
import { slope } from "../statistics.ts";
import type { System } from "../systems/system.ts";
import { countsOf } from "../upstream/start.ts";
import type { Figures, Reading, Scenario } from "./scenario.ts";

/** One second of a stream; a hundred connections make some hundred streams a second of them. */
const stream: ExchangeSpec = { kind: "stream", dialect: "anthropic-messages", events: 50, perChunk: 1, everyMs: 20 };
const abortEvery = 5;
const connections = 100;
/** A soak that is shorter says nothing about memory that is not given back. */
const tellingMinutes = 5;

const flood: ExchangeSpec = { kind: "flood", megabytes: 500 };

export const s7: Scenario = {
  id: "s7",
  title: "clients that leave, and clients that do not read",
  method:
    `${connections} connections ask for streams of one second; every ${abortEvery}th is left in the middle. The provider ` +
    "counts connections that were closed before the end of its reply, and the system's own records are compared with what " +
    `the client counted. The growth of memory is that of the second half, of soaks from ${tellingMinutes} minutes on. ` +
    "Then four clients ask for 500 MB and read only the beginning.",
  columns: [
    { heading: "minutes", figure: "minutes", digits: 1 },
    { heading: "whole", figure: "whole", digits: 0 },
    { heading: "left", figure: "left", digits: 0 },
    { heading: "provider not told", figure: "notTold", digits: 0, better: "lower" },
    { heading: "records missing or too many", figure: "recordsOff", digits: 0 },
    { heading: "MB at its start", figure: "startMb", digits: 0 },
    { heading: "MB at its end", figure: "endMb", digits: 0, better: "lower" },
    { heading: "growth MB/min", figure: "growthMbPerMinute", digits: 2, better: "lower" },
    { heading: "stalled: growth MB", figure: "stalledMb", digits: 0, better: "lower" },
    { heading: "stalled: taken from provider MB", figure: "takenMb", digits: 1 },
  ],
  systems: (chosen, { quick }) =>
    chosen.filter(({ name }) => (quick ? name === "portcullis" : !["direct", "litellm"].includes(name))),
  rounds: () => 1,
  measure: async ({ system, plan }) => [await soak(system, plan), await stall(system, plan)],
};

function soak(system: System, { minutes }: Plan): Promise<Reading> {
  return withSession(system, { providers: [{ exchange: stream, counts: true }] }, async (session) => {
    const memory = watchMemory(session);
    const work = { kind: "abort", connections, seconds: minutes * 60, every: abortEvery } as const;
    const load = await session.put(stream, work);
    const points = memory.stop();
    const half = points.slice(Math.floor(points.length / 2));
    const figures = {
      minutes,
      whole: load.exchanges,
      left: load.aborted,
      notTold: await notTold(session, load),
      recordsOff: await recordsOff(session, load),
      startMb: points[0]?.y,
      endMb: points.at(-1)?.y,
      growthMbPerMinute: minutes < tellingMinutes ? undefined : slope(half),
    };
    return { load: "every fifth client leaves", ...reading([load], figures) };
  });
}

/** Minutes and megabytes, once a second. */
function watchMemory({ pid }: Session): { stop(): readonly { readonly x: number; readonly y: number }[] } {
  const points: { x: number; y: number }[] = [];
  const startedAt = performance.now();
  const look = (): void => {
    if (pid === undefined) return;
    points.push({ x: (performance.now() - startedAt) / 60_000, y: residentBytes(pid) / 1e6 });
  };
  const timer = setInterval(look, 1_000);
  return {
    stop: () => {
      clearInterval(timer);
      look();
      return points;
    },
  };
}

/** How many of the left streams the provider still writes to, or has written to their end, five seconds later. */
async function notTold(session: Session, { aborted = 0 }: Load): Promise<number> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const { cut } = await countsOf(session.upstream(mainProvider));
    if (cut === aborted || performance.now() > deadline) return Math.abs(aborted - cut);
    await sleep(100);
  }
}

async function recordsOff({ started }: Session, load: Load): Promise<number | undefined> {
  const records = await started.records?.();
  if (records === undefined) return undefined;
  return Math.abs(records.all - load.exchanges - (load.aborted ?? 0)) + records.failed;
}

function stall(system: System, plan: Plan): Promise<Reading> {
  return withSession(system, { providers: [{ exchange: flood, counts: true }] }, async (session) => {
    const { pid } = session;
    const memory = (): number => (pid === undefined ? Number.NaN : residentBytes(pid) / 1e6);
    const before = memory();
    let most = before;
    const timer = setInterval(() => (most = Math.max(most, memory())), 200);
    const load = await session.put(flood, { kind: "stall", connections: 4, seconds: plan.quick ? 2 : 20 });
    clearInterval(timer);
    const { bytes } = await countsOf(session.upstream(mainProvider));
    const figures: Figures = { stalledMb: most - before, takenMb: bytes / 1e6 };
    return { load: "four clients do not read", ...reading([load], figures) };
  });
}
