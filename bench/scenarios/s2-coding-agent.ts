import type { ExchangeSpec } from "../exchanges.ts";
import type { Load } from "../load/order.ts";
import { measureClosed, reading } from "../loop.ts";
import type { Plan } from "../plan.ts";
import { withSession, type Session } from "../session.ts";
import type { System } from "../systems/system.ts";
import * as columns from "./columns.ts";
import type { Reading, Scenario } from "./scenario.ts";

/** A closed loop takes the whole core, so fewer at once than small ones: what is asked beside it still gets its turn. */
const sizes = [
  { load: "200 KB", kilobytes: 200, connections: 16 },
  { load: "2 MB", kilobytes: 2_000, connections: 4 },
];
const probe: ExchangeSpec = { kind: "small", dialect: "anthropic-messages" };

export const s2: Scenario = {
  id: "s2",
  title: "coding agent: a large body in, 1 KB out, same dialect",
  method:
    "A closed loop of 16 connections (4 for 2 MB). The probe is a second client that asks a small question 20 times a " +
    "second meanwhile: how long the large bodies keep others waiting.",
  columns: [
    columns.cpuPerExchange,
    columns.inKernel,
    columns.toNginx,
    columns.perSecond,
    columns.p50,
    columns.p99,
    { heading: "probe p50 ms", figure: "probeP50", digits: 2, better: "lower" },
    { heading: "probe p99 ms", figure: "probeP99", digits: 2, better: "lower" },
  ],
  systems: (chosen) => chosen,
  measure: async ({ system, plan }) => {
    const readings: Reading[] = [];
    for (const size of plan.quick ? sizes.slice(0, 1) : sizes) readings.push(await measureSize(system, plan, size));
    return readings;
  },
};

function measureSize(system: System, plan: Plan, size: (typeof sizes)[number]): Promise<Reading> {
  const exchange: ExchangeSpec = { kind: "coding", kilobytes: size.kilobytes };
  return withSession(system, { providers: [{ exchange }] }, async (session) => {
    const [large, small] = await Promise.all([
      measureClosed(session, exchange, size.connections, plan),
      probeFor(session, plan.warmUpSeconds + plan.seconds),
    ]);
    const probed = reading([small], {});
    return {
      load: size.load,
      ...large,
      ...probed,
      errors: large.errors + probed.errors,
      figures: { ...large.figures, probeP50: small.whole?.p50, probeP99: small.whole?.p99 },
    };
  });
}

function probeFor(session: Session, seconds: number): Promise<Load> {
  return session.put(probe, { kind: "open", perSecond: 20, seconds });
}
