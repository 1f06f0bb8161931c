/** The two loads that most scenarios put on a system, and what they tell. */
import { cpuFor } from "./cost.ts";
import { total } from "./cpu.ts";
import type { ExchangeSpec } from "./exchanges.ts";
import type { Load } from "./load/order.ts";
import type { Plan } from "./plan.ts";
import type { Figures, Reading } from "./scenarios/scenario.ts";
import type { Session } from "./session.ts";

/** A closed loop: what an exchange costs in CPU time, and how many a core can do. */
export async function measureClosed(
  session: Session,
  exchange: ExchangeSpec,
  connections: number,
  plan: Plan,
): Promise<Omit<Reading, "load">> {
  const warmUp = await warmUpWith(exchange, connections, plan, session);
  return afterWarmUp(warmUp, await measureWarm(session, exchange, connections, plan.seconds));
}

/** The same of a system that is warm. */
export async function measureWarm(
  session: Session,
  exchange: ExchangeSpec,
  connections: number,
  seconds: number,
): Promise<Omit<Reading, "load">> {
  const { load, cost } = await withCost(session, () => session.put(exchange, { kind: "closed", connections, seconds }));
  return reading([load], {
    ...cost,
    perSecond: load.exchanges / load.seconds,
    p50: load.whole?.p50,
    p99: load.whole?.p99,
    firstByteP50: load.firstByte?.p50,
  });
}

/** Enough for a compiler at run time to have seen its hot paths, were the machine slow or busy. */
const warmExchanges = { whole: 5_000, stream: 500 };

/** What it gives is the last load, which is the warmest. */
export async function warmUpWith(
  exchange: ExchangeSpec,
  connections: number,
  plan: Plan,
  session: Session,
): Promise<Load> {
  const wanted = exchange.kind === "stream" ? warmExchanges.stream : warmExchanges.whole;
  const work = { kind: "closed", connections, seconds: plan.warmUpSeconds } as const;
  let load = await session.put(exchange, work);
  let exchanges = load.exchanges;
  for (let time = 2; time <= plan.mostWarmUps && exchanges < wanted && load.errors === 0; time += 1) {
    load = await session.put(exchange, work);
    exchanges += load.exchanges;
  }
  return load;
}

/** An open loop, and the same on the provider directly: what the system adds to the time of an exchange. */
export async function measureOpen(
  session: Session,
  exchange: ExchangeSpec,
  perSecond: number,
  seconds: number,
): Promise<Omit<Reading, "load">> {
  const work = { kind: "open", perSecond, seconds } as const;
  const { load, cost } = await withCost(session, () => session.put(exchange, work));
  const { whole, firstByte, late } = load;
  const times = {
    p50: whole?.p50,
    p99: whole?.p99,
    p999: whole?.p999,
    firstByteP50: firstByte?.p50,
    lateP99: late?.p99,
  };
  if (session.pid === undefined) return reading([load], times);
  const direct = await session.putDirect(exchange, work);
  return reading([load, direct], { ...cost, ...times, ...added(load, direct) });
}

function added(load: Load, direct: Load): Figures {
  return {
    directP50: direct.whole?.p50,
    directP99: direct.whole?.p99,
    addedP50: difference(load.whole?.p50, direct.whole?.p50),
    addedP99: difference(load.whole?.p99, direct.whole?.p99),
    addedP999: difference(load.whole?.p999, direct.whole?.p999),
    addedFirstByteP50: difference(load.firstByte?.p50, direct.firstByte?.p50),
    addedFirstByteP99: difference(load.firstByte?.p99, direct.firstByte?.p99),
  };
}

/** CPU time per exchange; no cost where there is no process. */
async function withCost(
  { pid }: Session,
  work: () => Promise<Load>,
): Promise<{ readonly load: Load; readonly cost: Figures }> {
  if (pid === undefined) return { load: await work(), cost: {} };
  const { result: load, cpu } = await cpuFor(pid, work);
  const cost = { cpuMicros: total(cpu) / load.exchanges, kernelMicros: cpu.kernelMicros / load.exchanges };
  return { load, cost };
}

export function reading(loads: readonly Load[], figures: Figures): Omit<Reading, "load"> {
  const firstError = loads.find((load) => load.firstError !== undefined)?.firstError;
  const none = loads.filter((load) => load.exchanges === 0).length;
  return {
    figures,
    errors: loads.reduce((sum, load) => sum + load.errors, none),
    ...(firstError === undefined ? {} : { firstError }),
  };
}

/** What goes wrong while a system warms up is an error too, but it may be too slow to answer at all. */
export function afterWarmUp(warmUp: Load, measured: Omit<Reading, "load">): Omit<Reading, "load"> {
  const firstError = warmUp.firstError ?? measured.firstError;
  const errors = warmUp.errors + measured.errors;
  return { ...measured, errors, ...(firstError === undefined ? {} : { firstError }) };
}

export function difference(own: number | undefined, other: number | undefined): number | undefined {
  return own === undefined || other === undefined ? undefined : own - other;
}
