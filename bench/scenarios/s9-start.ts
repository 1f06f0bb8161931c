import { setTimeout as sleep } from "node:timers/promises";
import { cpuAtRest, residentBytes } from "../cpu.ts";
import { mainProvider, type ExchangeSpec } from "../exchanges.ts";
import { makeDirectory, stop } from "../processes.ts";
import { end } from "../session.ts";
import { startUpstream } from "../upstream/start.ts";
import type { Reading, Run, Scenario } from "./scenario.ts";

const exchange: ExchangeSpec = { kind: "small", dialect: "openai-chat" };

export const s9: Scenario = {
  id: "s9",
  title: "start and rest",
  method:
    "From exec to the first 200, in an empty directory and where it has run before; memory of the second start, at rest, " +
    "without a request; what it takes on disk without the runtime (Node, Python) it needs.",
  columns: [
    { heading: "first start ms", figure: "firstStartMs", digits: 0, better: "lower" },
    { heading: "restart ms", figure: "restartMs", digits: 0, better: "lower" },
    { heading: "idle RSS MB", figure: "idleMb", digits: 1, better: "lower" },
    { heading: "installed MB", figure: "installedMb", digits: 1, better: "lower" },
  ],
  systems: (chosen) => chosen.filter(({ name }) => name !== "direct"),
  rounds: (plan) => (plan.quick ? 1 : 2 * plan.rounds),
  measure: async (run) => {
    const upstream = await startUpstream(exchange);
    try {
      return [await measureStart(run, upstream.origin)];
    } finally {
      await stop(upstream.running);
    }
  },
};

async function measureStart({ system, plan }: Run, origin: string): Promise<Reading> {
  const providers = [{ name: mainProvider, origin, dialect: "openai-chat" }] as const;
  const place = { directory: makeDirectory(), providers, concurrency: 256 };
  const first = await system.start(place);
  await end(system, first);
  const second = await system.start(place);
  try {
    const pid = second.process?.running.pid ?? 0;
    await cpuAtRest(pid);
    await sleep(plan.warmUpSeconds * 1_000);
    const installed = await system.installedBytes?.();
    const figures = {
      firstStartMs: first.process?.readyMs,
      restartMs: second.process?.readyMs,
      idleMb: residentBytes(pid) / 1e6,
      installedMb: installed === undefined ? undefined : installed / 1e6,
    };
    return { load: "start", figures, errors: 0 };
  } finally {
    await end(system, second);
  }
}
