/** The columns that several scenarios have. */
import type { Column } from "../report/column.ts";

export const cpuPerExchange: Column = { heading: "CPU-µs", figure: "cpuMicros", digits: 1, better: "lower" };
export const inKernel: Column = { heading: "in the kernel", figure: "kernelMicros", digits: 1 };
export const toNginx: Column = {
  heading: "× nginx",
  figure: "cpuMicros",
  digits: 2,
  against: { system: "nginx", how: "times" },
};
export const perSecond: Column = { heading: "per second", figure: "perSecond", digits: 0, better: "higher" };
export const p50: Column = { heading: "p50 ms", figure: "p50", digits: 2 };
export const p99: Column = { heading: "p99 ms", figure: "p99", digits: 2 };
export const addedP50: Column = { heading: "added p50 ms", figure: "addedP50", digits: 2, better: "lower" };
export const addedP99: Column = { heading: "added p99 ms", figure: "addedP99", digits: 2, better: "lower" };
export const directP99: Column = { heading: "direct p99 ms", figure: "directP99", digits: 2 };
export const lateP99: Column = { heading: "sent late p99 ms", figure: "lateP99", digits: 2 };
