/** Turns samples into Markdown tables: the median of all rounds, with the lowest and the highest in brackets. */
import { total } from "./cpu.ts";
import type { LoadSample, StartSample } from "./measure.ts";
import type { Scenario } from "./scenarios.ts";

/** Above this share of stolen core time a round is called disturbed. */
const disturbedShare = 0.1;
/** A rate this near to the one without any proxy says more about the load than about the system. */
const ceilingShare = 0.8;
const reference = "nginx";

interface Column<Sample> {
  readonly heading: string;
  readonly digits: number;
  /** `undefined` where there is nothing to say. */
  value(sample: Sample): number | undefined;
}

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function spread(values: readonly (number | undefined)[], digits: number): string {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  if (sorted.length === 0) return "–";
  const write = (value = Number.NaN): string => value.toFixed(digits);
  return `${write(median(sorted))} (${write(sorted[0])}–${write(sorted.at(-1))})`;
}

function table<Sample extends { readonly system: string }>(
  samples: readonly Sample[],
  columns: readonly Column<Sample>[],
  isWrong: (sample: Sample) => boolean = () => false,
): string {
  const names = [...new Set(samples.map((sample) => sample.system))];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const lines = names.map((name) => {
    const own = samples.filter((sample) => sample.system === name);
    const cell = (column: Column<Sample>): string =>
      own.some(isWrong)
        ? "invalid"
        : spread(
            own.map((sample) => column.value(sample)),
            column.digits,
          );
    return row([name, ...columns.map(cell)]);
  });
  return [
    row(["system", ...columns.map(({ heading }) => heading)]),
    row(["---", ...columns.map(() => "--:")]),
    ...lines,
  ].join("\n");
}

export function isInvalid({ load }: LoadSample): boolean {
  return load.errors > 0 || load.exchanges === 0;
}

function cpuMicros({ cpu }: LoadSample): number | undefined {
  return cpu === undefined ? undefined : total(cpu);
}

function rate({ load }: LoadSample): number {
  return load.exchanges / load.seconds;
}

/** CPU time as a multiple of what the reference took in the same round. */
function toReference(sample: LoadSample, samples: readonly LoadSample[]): number | undefined {
  const other = samples.find(({ system, round }) => system === reference && round === sample.round);
  const [own, theirs] = [cpuMicros(sample), other === undefined || isInvalid(other) ? undefined : cpuMicros(other)];
  return own === undefined || theirs === undefined ? undefined : own / theirs;
}

export function loadReport({ id, title, connections, reply }: Scenario, samples: readonly LoadSample[]): string {
  const { events } = reply;
  const perEvent = ({ cpu }: LoadSample): number | undefined => (cpu === undefined ? undefined : total(cpu) / events);
  const ofStreams: Column<LoadSample>[] = [
    { heading: "CPU-µs per event", digits: 2, value: perEvent },
    { heading: "first byte p50 ms", digits: 2, value: ({ load }) => load.firstByteP50Ms },
  ];
  const columns: Column<LoadSample>[] = [
    { heading: "CPU-µs per exchange", digits: 1, value: cpuMicros },
    { heading: "of them in the kernel", digits: 1, value: ({ cpu }) => cpu?.kernelMicros },
    { heading: `× ${reference}`, digits: 2, value: (sample) => toReference(sample, samples) },
    { heading: "exchanges/s", digits: 0, value: rate },
    { heading: "p50 ms", digits: 2, value: ({ load }) => load.p50Ms },
    { heading: "p99 ms", digits: 2, value: ({ load }) => load.p99Ms },
    ...(events === 0 ? [] : ofStreams),
  ];
  const how = `Closed loop, ${connections} connections; load by ${samples[0]?.load.tool}, provider played by ${samples[0]?.upstream}.`;
  return [`## ${id.toUpperCase()} ${title}`, how, table(samples, columns, isInvalid), ...remarks(samples)].join("\n\n");
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
    { heading: "first start ms", digits: 0, value: ({ firstStartMs }) => firstStartMs },
    { heading: "restart ms", digits: 0, value: ({ restartMs }) => restartMs },
    { heading: "idle RSS MB", digits: 1, value: ({ idleBytes }) => idleBytes / 1_000_000 },
  ];
  const how = "From exec to the first 200; memory after a restart, at rest.";
  return ["## S9 start and rest", how, table(samples, columns)].join("\n\n");
}
