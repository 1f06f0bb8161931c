import type { ExchangeSpec } from "../exchanges.ts";
import { measureClosed, measureOpen } from "../loop.ts";
import { withSession } from "../session.ts";
import * as columns from "./columns.ts";
import type { Reading, Scenario } from "./scenario.ts";

const connections = 16;
const streamsPerSecond = 50;

export const s3: Scenario = {
  id: "s3",
  title: "streams at full rate, ten events a burst",
  method:
    `A closed loop of ${connections} connections gives CPU time; ${streamsPerSecond} streams a second in an open loop ` +
    "give what is added to the time to the first byte. A stream that lacks one of its events is an error.",
  columns: [
    { ...columns.cpuPerExchange, heading: "CPU-µs per stream" },
    { heading: "CPU-µs per event", figure: "cpuPerEvent", digits: 2, better: "lower" },
    columns.toNginx,
    { ...columns.perSecond, heading: "streams/s" },
    { heading: "first byte p50 ms", figure: "firstByteP50", digits: 2 },
    { heading: "added p50 ms", figure: "addedFirstByteP50", digits: 2, better: "lower" },
    { heading: "added p99 ms", figure: "addedFirstByteP99", digits: 2, better: "lower" },
    columns.lateP99,
  ],
  systems: (chosen) => chosen,
  measure: async ({ system, plan }) => {
    const long = [messages(100), messages(1_000)];
    const streams = plan.quick ? long : [...long, { ...messages(100), dialect: "openai-chat" } as const];
    const readings: Reading[] = [];
    for (const stream of streams) {
      const name = `${stream.events.toLocaleString("en")} events, ${stream.dialect}`;
      const measured = await withSession(system, { providers: [{ exchange: stream }] }, async (session) => {
        const closed = await measureClosed(session, stream, connections, plan);
        const cpuPerEvent = (closed.figures["cpuMicros"] ?? Number.NaN) / stream.events;
        const burst = { load: name, ...closed, figures: { ...closed.figures, cpuPerEvent } };
        const canKeepUp = (closed.figures["perSecond"] ?? 0) > 2 * streamsPerSecond;
        if (stream.events > 100 || !canKeepUp) return [burst];
        const open = await measureOpen(session, stream, streamsPerSecond, plan.seconds);
        return [burst, { load: `${name}, ${streamsPerSecond} streams/s`, ...open }];
      });
      readings.push(...measured);
    }
    return readings;
  },
};

function messages(events: number): Extract<ExchangeSpec, { kind: "stream" }> {
  return { kind: "stream", dialect: "anthropic-messages", events, perChunk: 10 };
}
