/** What portcullis must keep to, with everything on, on one core. */
import { isDisturbed, usable, type Sample } from "../sample.ts";
import { median } from "../statistics.ts";
import { valueOf, type Against, type Column } from "./column.ts";
import { head, row, spread, write } from "./spread.ts";

interface Limit {
  readonly what: string;
  readonly scenario: string;
  readonly load: string;
  readonly figure: string;
  readonly against?: Against;
  readonly digits: number;
  readonly most?: number;
  readonly least?: number;
}

const stream = "1,000 events, anthropic-messages";
const streamsOpen = "100 events, anthropic-messages, 50 streams/s";
const perNginx: Against = { system: "nginx", how: "times" };
const perPortkey: Against = { system: "portkey", how: "times less" };
const soak = { scenario: "s7", load: "every fifth client leaves" };

const limits: readonly Limit[] = [
  { what: "CPU-µs per 1 KB exchange", scenario: "s1", load: "ceiling", figure: "cpuMicros", digits: 1, most: 60 },
  { what: "… × nginx", scenario: "s1", load: "ceiling", figure: "cpuMicros", against: perNginx, digits: 2, most: 4.5 },
  {
    what: "requests per CPU-second × portkey",
    scenario: "s1",
    load: "ceiling",
    figure: "cpuMicros",
    against: perPortkey,
    digits: 2,
    least: 7,
  },
  { what: "added p50 ms", scenario: "s1", load: "1,000 requests/s", figure: "addedP50", digits: 2, most: 0.2 },
  { what: "added p99 ms", scenario: "s1", load: "1,000 requests/s", figure: "addedP99", digits: 2, most: 1 },
  { what: "CPU-µs per 200 KB body", scenario: "s2", load: "200 KB", figure: "cpuMicros", digits: 0, most: 300 },
  { what: "CPU-µs per event, burst", scenario: "s3", load: stream, figure: "cpuPerEvent", digits: 2, most: 2 },
  {
    what: "added ms to the first byte, p50",
    scenario: "s3",
    load: streamsOpen,
    figure: "addedFirstByteP50",
    digits: 2,
    most: 0.3,
  },
  {
    what: "CPU-µs per event, paced",
    scenario: "s4",
    load: "1,000 streams",
    figure: "cpuPerEvent",
    digits: 1,
    most: 25,
  },
  { what: "KB per slow stream", scenario: "s4", load: "5,000 streams", figure: "kbPerStream", digits: 1, most: 60 },
  { what: "idle RSS MB", scenario: "s9", load: "start", figure: "idleMb", digits: 1, most: 110 },
  { what: "first start to ready ms", scenario: "s9", load: "start", figure: "firstStartMs", digits: 0, most: 700 },
  { what: "soak: growth MB/min", ...soak, figure: "growthMbPerMinute", digits: 2, most: 1 },
  { what: "soak: provider not told", ...soak, figure: "notTold", digits: 0, most: 0 },
  { what: "soak: records missing or too many", ...soak, figure: "recordsOff", digits: 0, most: 0 },
];

export interface BudgetLine {
  readonly what: string;
  readonly scenario: string;
  readonly must: string;
  readonly measured: string;
  readonly verdict: "pass" | "FAIL" | "not measured";
  /** Whether it was measured beside others, in one round at least. */
  readonly disturbed: boolean;
}

export function budgetLines(all: readonly Sample[]): BudgetLine[] {
  const { samples } = usable(all);
  return limits.map((limit) => lineOf(limit, samples));
}

function lineOf(limit: Limit, samples: readonly Sample[]): BudgetLine {
  const { what, scenario, load, digits, most, least } = limit;
  const column: Column = { heading: what, ...limit };
  const own = samples.filter(
    (sample) => sample.system === "portcullis" && sample.scenario === scenario && sample.load === load,
  );
  const failed = samples.some(
    (sample) => sample.system === "portcullis" && sample.scenario === scenario && sample.load === "none",
  );
  const valid = !failed && own.every(({ errors }) => errors === 0);
  const values = own.map((sample) => valueOf(column, sample, samples)).filter((value) => value !== undefined);
  const middle = median(values);
  const keeps = valid && middle <= (most ?? Number.POSITIVE_INFINITY) && middle >= (least ?? Number.NEGATIVE_INFINITY);
  return {
    what,
    scenario,
    must: most === undefined ? `≥ ${write(least ?? 0, 0)}` : `≤ ${most}`,
    measured: valid ? spread(values, digits) : "invalid",
    verdict: valid && values.length === 0 ? "not measured" : keeps ? "pass" : "FAIL",
    disturbed: own.some(isDisturbed),
  };
}

export function budgetSection(all: readonly Sample[]): string {
  const lines = budgetLines(all).map(({ what, scenario, must, measured, verdict, disturbed }) =>
    row([
      what,
      scenario.toUpperCase(),
      must,
      measured,
      disturbed && verdict !== "not measured" ? `${verdict}, disturbed` : verdict,
    ]),
  );
  return [
    "## The budget",
    [...head(["portcullis, everything on", "from", "must", "measured", "verdict"]), ...lines].join("\n"),
  ].join("\n\n");
}
