import type { ExchangeSpec } from "../exchanges.ts";
import { afterWarmUp, measureOpen, warmUpWith } from "../loop.ts";
import { withSession, type Session } from "../session.ts";
import { measureInTurns } from "../turns.ts";
import * as columns from "./columns.ts";
import type { Reading, Run, Scenario } from "./scenario.ts";

const exchange: ExchangeSpec = { kind: "small", dialect: "openai-chat" };
const connections = 32;
const fixedRate = 1_000;
const shares = [0.25, 0.5, 0.75];

export const s1: Scenario = {
  id: "s1",
  title: "small chat: 0.25 KB in, 1 KB out",
  method:
    `The ceiling is a closed loop of ${connections} connections, on one system after the other while all are up, again and ` +
    "again: it gives CPU time and rate; its latencies are those of a saturated system. The rates are open loops, shares " +
    "being of what the same system had just done while it warmed up: every time counts from when the request was due. Added " +
    "is what is left after the same loop, right afterwards, on the provider itself.",
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
  measureTogether: (systems, plan) => measureInTurns(systems, plan, { load: "ceiling", exchange, connections }),
  measure: ({ system, plan }) =>
    withSession(system, { providers: [{ exchange }] }, async (session) => {
      const warmUp = await warmUpWith(exchange, connections, plan, session);
      const [first, ...others] = await measureRates(session, warmUp.exchanges / warmUp.seconds, plan);
      return first === undefined ? [] : [{ ...first, ...afterWarmUp(warmUp, first) }, ...others];
    }),
};

/** The fixed rate only where the system can do it, and the shares of its ceiling only in a full run. */
async function measureRates(session: Session, ceiling: number, plan: Run["plan"]): Promise<Reading[]> {
  const readings: Reading[] = [];
  const add = async (load: string, rate: number): Promise<void> => {
    readings.push({ load, ...(await measureOpen(session, exchange, rate, plan.seconds)) });
  };
  if (ceiling > fixedRate) await add("1,000 requests/s", fixedRate);
  if (plan.quick || session.pid === undefined) return readings;
  for (const share of shares) await add(`${share * 100} % of its ceiling`, Math.floor(ceiling * share));
  return readings;
}
