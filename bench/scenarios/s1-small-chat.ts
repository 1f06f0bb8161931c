import type { ExchangeSpec } from "../exchanges.ts";
import { measureClosed, measureOpen } from "../loop.ts";
import { withSession, type Session } from "../session.ts";
import * as columns from "./columns.ts";
import type { Reading, Run, Scenario } from "./scenario.ts";

const exchange: ExchangeSpec = { kind: "small", dialect: "openai-chat" };
const fixedRate = 1_000;
const shares = [0.25, 0.5, 0.75];

export const s1: Scenario = {
  id: "s1",
  title: "small chat: 0.25 KB in, 1 KB out",
  method:
    "The ceiling is a closed loop of 32 connections: it gives CPU time and rate; its latencies are those of a saturated " +
    "system. The rates are open loops: every time counts from when the request was due. Added is what is left after the " +
    "same loop, right afterwards, on the provider itself.",
  columns: [
    columns.cpuPerExchange,
    columns.inKernel,
    columns.toNginx,
    columns.perSecond,
    columns.p50,
    columns.p99,
    columns.addedP50,
    columns.addedP99,
    { heading: "added p99.9 ms", figure: "addedP999", digits: 2, better: "lower" },
    columns.directP99,
    columns.lateP99,
  ],
  systems: (chosen) => chosen,
  measure: ({ system, plan }) =>
    withSession(system, { providers: [{ exchange }] }, async (session) => {
      const ceiling = { load: "ceiling", ...(await measureClosed(session, exchange, 32, plan)) };
      return [ceiling, ...(await measureRates(session, ceiling, plan))];
    }),
};

/** The fixed rate only where the system can do it, and the shares of its ceiling only in a full run. */
async function measureRates(session: Session, ceiling: Reading, plan: Run["plan"]): Promise<Reading[]> {
  const most = ceiling.figures["perSecond"] ?? 0;
  const readings: Reading[] = [];
  const add = async (load: string, rate: number): Promise<void> => {
    readings.push({ load, ...(await measureOpen(session, exchange, rate, plan.seconds)) });
  };
  if (most > fixedRate) await add("1,000 requests/s", fixedRate);
  if (plan.quick || session.pid === undefined) return readings;
  for (const share of shares) await add(`${share * 100} % of its ceiling`, Math.floor(most * share));
  return readings;
}
