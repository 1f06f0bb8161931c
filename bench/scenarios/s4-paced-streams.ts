import { setTimeout as sleep } from "node:timers/promises";
import { minus } from "../cost.ts";
import { cpuAtRest, cpuOf, residentBytes, total, type CpuTime } from "../cpu.ts";
import type { ExchangeSpec } from "../exchanges.ts";
import { openLine, type Load } from "../load/order.ts";
import { startLoad } from "../load/put.ts";
import { afterWarmUp, reading } from "../loop.ts";
import type { Plan } from "../plan.ts";
import { fileLimit, untilPrinted } from "../processes.ts";
import { withSession, type Session } from "../session.ts";
import type { System } from "../systems/system.ts";
import type { Figures, Reading, Scenario } from "./scenario.ts";

const everyMs = 100;

export const s4: Scenario = {
  id: "s4",
  title: "many streams at 10 events a second",
  method:
    "All streams are opened, 1,000 a second, and held; memory is read before the first one (after a warm-up), late in the " +
    "holding, and a minute (two seconds if quick) after the last one was closed. A gap is the time between two arrivals on one " +
    "stream, where 100 ms is asked for. nginx, haproxy and portcullis are set to allow so many connections.",
  columns: [
    { heading: "KB per stream", figure: "kbPerStream", digits: 1, better: "lower" },
    { heading: "CPU-µs per event", figure: "cpuPerEvent", digits: 1, better: "lower" },
    { heading: "core in use %", figure: "corePercent", digits: 0 },
    { heading: "events/s", figure: "eventsPerSecond", digits: 0 },
    { heading: "gap p99 ms", figure: "gapP99", digits: 1 },
    {
      heading: "minus direct",
      figure: "gapP99",
      digits: 1,
      better: "lower",
      against: { system: "direct", how: "minus" },
    },
    { heading: "idle MB", figure: "idleMb", digits: 0 },
    { heading: "held MB", figure: "heldMb", digits: 0 },
    { heading: "after close MB", figure: "afterMb", digits: 0, better: "lower" },
  ],
  systems: (chosen, { quick }) => chosen.filter(({ name }) => (quick ? name === "portcullis" : name !== "litellm")),
  rounds: (plan) => Math.min(plan.rounds, 3),
  measure: async ({ system, plan }) => {
    const readings: Reading[] = [];
    for (const streams of plan.quick ? [300] : [1_000, 5_000])
      readings.push(await measureStreams(system, plan, streams));
    return readings;
  },
};

async function measureStreams(system: System, plan: Plan, streams: number): Promise<Reading> {
  const load = `${streams.toLocaleString("en")} streams`;
  const [seconds, restSeconds] = plan.quick ? [3, 2] : [60, 60];
  const needed = 2 * streams + 500;
  if (fileLimit() < needed) {
    return { load, figures: {}, errors: 1, firstError: `only ${fileLimit()} open files are allowed, not ${needed}` };
  }
  const exchange = pacedStream((seconds + streams / 1_000 + 60) * 1_000);
  return withSession(system, { providers: [{ exchange }], concurrency: streams + 200 }, async (session) => {
    const warmUp = await session.put(pacedStream(0), { kind: "hold", streams: 20, seconds: 1 });
    const memory = memoryOf(session);
    if (session.pid !== undefined) await cpuAtRest(session.pid);
    const idle = memory();
    const { held, figures, result } = await hold(session, exchange, streams, seconds, memory);
    await sleep(restSeconds * 1_000);
    const kbPerStream = (held - idle) / streams / 1_000;
    const megabytes = { idleMb: idle / 1e6, heldMb: held / 1e6, afterMb: memory() / 1e6 };
    return { load, ...afterWarmUp(warmUp, reading([result], { ...figures, kbPerStream, ...megabytes })) };
  });
}

function pacedStream(lengthMs: number): ExchangeSpec {
  const events = Math.ceil(lengthMs / everyMs) + 100;
  return { kind: "stream", dialect: "anthropic-messages", events, perChunk: 1, everyMs };
}

/** NaN for none. */
function memoryOf({ pid }: Session): () => number {
  return () => (pid === undefined ? Number.NaN : residentBytes(pid));
}

async function hold(
  session: Session,
  exchange: ExchangeSpec,
  streams: number,
  seconds: number,
  memory: () => number,
): Promise<{ readonly held: number; readonly figures: Figures; readonly result: Load }> {
  const { running, ended } = startLoad(session.order(exchange, { kind: "hold", streams, seconds }));
  await untilPrinted(running, openLine, streams * 10 + 60_000);
  const cpu = (): CpuTime | undefined => (session.pid === undefined ? undefined : cpuOf(session.pid));
  const [before, startedAt] = [cpu(), performance.now()];
  await sleep(seconds * 800);
  const [held, after, elapsedMs] = [memory(), cpu(), performance.now() - startedAt];
  const result = await ended;
  const eventsPerSecond = (result.events ?? 0) / result.seconds;
  const busy =
    before === undefined || after === undefined ? Number.NaN : total(minus(after, before)) / elapsedMs / 1_000;
  const figures = {
    eventsPerSecond,
    cpuPerEvent: (busy * 1e6) / eventsPerSecond,
    corePercent: busy * 100,
    gapP99: result.gap?.p99,
  };
  return { held, figures, result };
}
