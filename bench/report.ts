/** Turns samples into Markdown tables: the median of all rounds, with the lowest and the highest in brackets. */
import { total } from "./cpu.ts";
import type { LoadSample, StartSample } from "./measure.ts";
import type { Scenario } from "./scenarios.ts";

/** Above this share of stolen core time a round is called disturbed. */
const disturbedShare = 0.1;
/** A rate this near to the one without any proxy says more about the load than about the system. */
const ceilingShare = 0.8;
const reference = "nginx";

/** One line of a table: a heading and what to write for a system. */
type Column<Sample> = readonly [heading: string, cell: (samples: readonly Sample[]) => string];

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function spread(values: readonly number[], digits: number): string {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return "–";
  const write = (value: number | undefined): string => (value ?? Number.NaN).toFixed(digits);
  return `${write(median(sorted))} (${write(sorted[0])}–${write(sorted.at(-1))})`;
}

function table<Sample extends { readonly system: string }>(
  samples: readonly Sample[],
  columns: readonly Column<Sample>[],
): string {
  const names = [...new Set(samples.map((sample) => sample.system))];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    row(["system", ...columns.map(([heading]) => heading)]),
    row(["---", ...columns.map(() => "--:")]),
    ...names.map((name) => {
      const own = samples.filter((sample) => sample.system === name);
      return row([name, ...columns.map(([, cell]) => cell(own))]);
    }),
  ].join("\n");
}

export function isInvalid({ load }: LoadSample): boolean {
  return load.errors > 0 || load.exchanges === 0;
}

function cpuMicros(sample: LoadSample): number {
  return sample.cpu === undefined ? Number.NaN : total(sample.cpu);
}

function rate({ load }: LoadSample): number {
  return load.exchanges / load.seconds;
}

export function loadReport(scenario: Scenario, samples: readonly LoadSample[]): string {
  const { events } = scenario.reply;
  const inRound = (system: string, round: number): LoadSample | undefined =>
    samples.find((sample) => sample.system === system && sample.round === round);
  const toReference = (sample: LoadSample): number => {
    const other = inRound(reference, sample.round);
    return other === undefined ? Number.NaN : cpuMicros(sample) / cpuMicros(other);
  };
  const of = (read: (sample: LoadSample) => number | undefined, digits: number) => (own: readonly LoadSample[]) =>
    own.some(isInvalid)
      ? "invalid"
      : spread(
          own.map((sample) => read(sample) ?? Number.NaN),
          digits,
        );
  const columns: Column<LoadSample>[] = [
    ["CPU-µs per exchange", of(cpuMicros, 1)],
    ["of them in the kernel", of((sample) => sample.cpu?.kernelMicros, 1)],
    [`× ${reference}`, of(toReference, 2)],
    ...(events === 0 ? [] : [["CPU-µs per event", of((sample) => cpuMicros(sample) / events, 2)] as const]),
    ["exchanges/s", of(rate, 0)],
    ["p50 ms", of(({ load }) => load.p50Ms, 2)],
    ["p99 ms", of(({ load }) => load.p99Ms, 2)],
    ...(events === 0 ? [] : [["first byte p50 ms", of(({ load }) => load.firstByteP50Ms, 2)] as const]),
  ];
  const title = `## ${scenario.id.toUpperCase()} ${scenario.title}`;
  const load = `Closed loop, ${scenario.connections} connections; load by ${samples[0]?.load.tool}, provider played by ${samples[0]?.upstream}.`;
  return [title, load, table(samples, columns), ...remarks(samples)].join("\n\n");
}

function remarks(samples: readonly LoadSample[]): string[] {
  const lines: string[] = [];
  for (const { system, round, load } of samples.filter(isInvalid)) {
    lines.push(
      `**Invalid**: ${system}, round ${round}: ${load.errors} errors${load.firstError === undefined ? "" : ` (${load.firstError})`}.`,
    );
  }
  const disturbed = samples.filter(({ stolenShare = 0 }) => stolenShare > disturbedShare);
  if (disturbed.length > 0) {
    const list = disturbed.map(
      ({ system, round, stolenShare = 0 }) => `${system} ${round}: ${(stolenShare * 100).toFixed(0)} %`,
    );
    lines.push(`**Disturbed**: other processes had a part of the core (${list.join(", ")}).`);
  }
  const ceiling = Math.min(...samples.filter(({ system }) => system === "direct").map(rate));
  const near = samples.filter((sample) => sample.cpu !== undefined && rate(sample) > ceiling * ceilingShare);
  for (const system of new Set(near.map((sample) => sample.system))) {
    lines.push(`The rate of ${system} is within 20 % of the ceiling: read its CPU time, not its rate and latency.`);
  }
  return lines;
}

export function startReport(samples: readonly StartSample[]): string {
  const columns: Column<StartSample>[] = [
    [
      "first start ms",
      (own) =>
        spread(
          own.map((sample) => sample.firstStartMs),
          0,
        ),
    ],
    [
      "restart ms",
      (own) =>
        spread(
          own.map((sample) => sample.restartMs),
          0,
        ),
    ],
    [
      "idle RSS MB",
      (own) =>
        spread(
          own.map((sample) => sample.idleBytes / 1_000_000),
          1,
        ),
    ],
  ];
  return [
    "## S9 start and rest",
    "From exec to the first 200; memory after a restart, at rest.",
    table(samples, columns),
  ].join("\n\n");
}
