import { mainProvider, type ExchangeSpec } from "../exchanges.ts";
import type { Load } from "../load/order.ts";
import { difference, reading } from "../loop.ts";
import type { Plan } from "../plan.ts";
import { withSession, type Session } from "../session.ts";
import { countsOf } from "../upstream/start.ts";
import type { Reading, Scenario } from "./scenario.ts";

const healthyPerSecond = 200;
const sickPerSecond = 100;

const healthy: ExchangeSpec = { kind: "small", dialect: "openai-chat" };
const sick = [
  { load: "one is down", provider: "down" },
  { load: "one answers 429", provider: "limited", status: 429 },
  { load: "one takes a second", provider: "slow", delayMs: 1_000 },
] as const;

export const s8: Scenario = {
  id: "s8",
  title: "providers that are not well",
  method:
    `Small chats to a healthy provider at ${healthyPerSecond} a second, alone and with ${sickPerSecond} a second to ` +
    "another one that is not well, in open loops. Tries: how many requests reached that one for each that was sent; " +
    "asked: how long its callers waited for an answer, whatever that was.",
  columns: [
    { heading: "healthy p50 ms", figure: "p50", digits: 2, better: "lower" },
    { heading: "healthy p99 ms", figure: "p99", digits: 2, better: "lower" },
    { heading: "p99 more than alone", figure: "moreP99", digits: 2 },
    { heading: "asked p50 ms", figure: "sickP50", digits: 1 },
    { heading: "asked p99 ms", figure: "sickP99", digits: 1 },
    { heading: "answered 5xx %", figure: "serverErrorPercent", digits: 0 },
    { heading: "tries", figure: "tries", digits: 2 },
  ],
  systems: (chosen, { quick }) =>
    chosen.filter(({ name }) => name === "portcullis" || (!quick && ["portkey", "litellm", "bifrost"].includes(name))),
  rounds: (plan) => Math.min(plan.rounds, 3),
  measure: ({ system, plan }) => {
    const providers = [
      { exchange: healthy },
      ...sick.map((state) => ({ exchange: exchangeWith(state), isDown: state.provider === "down", counts: true })),
    ];
    return withSession(system, { providers }, (session) => measureStates(session, plan));
  },
};

function exchangeWith({ load: _load, ...state }: (typeof sick)[number]): ExchangeSpec {
  return { kind: "small", dialect: "openai-chat", ...state };
}

async function measureStates(session: Session, plan: Plan): Promise<Reading[]> {
  const seconds = plan.quick ? 1 : 2 * plan.seconds;
  const ask = (): Promise<Load> => session.put(healthy, { kind: "open", perSecond: healthyPerSecond, seconds });
  await ask(); // warm-up
  const alone = await ask();
  const times = ({ whole }: Load) => ({ p50: whole?.p50, p99: whole?.p99 });
  const readings: Reading[] = [{ load: `${mainProvider} alone`, ...reading([alone], times(alone)) }];
  for (const state of sick) {
    const work = { kind: "open", perSecond: sickPerSecond, seconds } as const;
    const [beside, asked] = await Promise.all([ask(), session.put(exchangeWith(state), work, { anyReply: true })]);
    const reached = state.provider === "down" ? undefined : await countsOf(session.upstream(state.provider));
    const figures = {
      ...times(beside),
      moreP99: difference(beside.whole?.p99, alone.whole?.p99),
      sickP50: asked.whole?.p50,
      sickP99: asked.whole?.p99,
      serverErrorPercent: (100 * serverErrors(asked)) / asked.exchanges,
      tries: reached === undefined ? undefined : reached.requests / asked.exchanges,
    };
    readings.push({ load: state.load, ...reading([beside, asked], figures) });
  }
  return readings;
}

function serverErrors({ statuses = {} }: Load): number {
  return Object.entries(statuses).reduce((sum, [status, count]) => sum + (Number(status) >= 500 ? count : 0), 0);
}
