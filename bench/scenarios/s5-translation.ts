import type { Dialect, ExchangeSpec } from "../exchanges.ts";
import { measureClosed } from "../loop.ts";
import { withSession } from "../session.ts";
import * as columns from "./columns.ts";
import type { Reading, Scenario } from "./scenario.ts";

const caller: Dialect = "anthropic-messages";
const other: Dialect = "openai-chat";

const spoken: readonly Dialect[] = [caller, other];

/** Each load as it is, and then on a provider of another dialect. */
const loads: readonly {
  readonly name: string;
  readonly events: number;
  readonly connections: number;
  readonly exchange: ExchangeSpec;
}[] = [
  { name: "1 KB", events: 0, connections: 32, exchange: { kind: "small", dialect: caller } },
  {
    name: "100 events",
    events: 100,
    connections: 16,
    exchange: { kind: "stream", dialect: caller, events: 100, perChunk: 10 },
  },
  { name: "200 KB", events: 0, connections: 16, exchange: { kind: "coding", kilobytes: 200 } },
];

export const s5: Scenario = {
  id: "s5",
  title: "from one dialect to another",
  method:
    "Closed loops, each with a provider that speaks the caller's dialect (Anthropic Messages) and then with one that speaks " +
    "another (OpenAI Chat Completions), to which request and reply are translated. Portcullis alone: others translate less of " +
    "what is asked.",
  columns: [
    columns.cpuPerExchange,
    { heading: "CPU-µs per event", figure: "cpuPerEvent", digits: 2, better: "lower" },
    columns.perSecond,
    { heading: "× the same dialect's rate", figure: "toSame", digits: 2, better: "higher" },
    columns.p50,
    columns.p99,
  ],
  systems: (chosen) => chosen.filter(({ name }) => name === "portcullis"),
  measure: async ({ system, plan }) => {
    const readings: Reading[] = [];
    for (const { name, events, connections, exchange } of plan.quick ? loads.slice(0, 2) : loads) {
      let sameRate = Number.NaN;
      for (const upstream of spoken) {
        const spec: ExchangeSpec = withUpstream(exchange, upstream);
        const closed: Omit<Reading, "load"> = await withSession(
          system,
          { providers: [{ exchange: spec }] },
          (session) => measureClosed(session, spec, connections, plan),
        );
        const rate: number = closed.figures["perSecond"] ?? Number.NaN;
        if (upstream === caller) sameRate = rate;
        const perEvent = events === 0 ? {} : { cpuPerEvent: (closed.figures["cpuMicros"] ?? Number.NaN) / events };
        const translated = upstream === caller ? {} : { toSame: rate / sameRate };
        const load = `${name}, ${upstream === caller ? "same dialect" : "translated"}`;
        readings.push({ load, ...closed, figures: { ...closed.figures, ...perEvent, ...translated } });
      }
    }
    return readings;
  },
};

/** Floods, the one kind without it, are not among the loads. */
function withUpstream(exchange: ExchangeSpec, upstream: Dialect): ExchangeSpec {
  return exchange.kind === "flood" ? exchange : { ...exchange, upstream };
}
