import { isDisturbed, usable, type Sample } from "../sample.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { valueOf, type Column } from "./column.ts";
import { head, row, spread } from "./spread.ts";

/** A rate this near to the one without any proxy says more about the load than about the system. */
const ceilingShare = 0.8;

/** One table for every load of the scenario, and what there is to say about the rounds. */
export function scenarioSection(scenario: Scenario, all: readonly Sample[]): string {
  const { samples, dropped } = usable(all);
  const loads = [...new Set(samples.map(({ load }) => load))];
  return [
    `## ${scenario.id.toUpperCase()} ${scenario.title}`,
    scenario.method,
    ...loads.filter((load) => load !== "none").map((load) => loadTable(scenario, load, samples)),
    ...remarks(samples, dropped),
  ].join("\n\n");
}

function loadTable({ columns }: Scenario, load: string, samples: readonly Sample[]): string {
  const own = samples.filter((sample) => sample.load === load);
  const told = columns.filter((column) => own.some((sample) => valueOf(column, sample, samples) !== undefined));
  const systems = [...new Set(own.map(({ system }) => system))];
  const lines = systems.map((system) => {
    const rounds = own.filter((sample) => sample.system === system);
    return row([system, ...told.map((column) => cell(column, rounds, samples))]);
  });
  return `**${load}**\n\n${[...head(["system", ...told.map(({ heading }) => heading)]), ...lines].join("\n")}`;
}

function cell(column: Column, rounds: readonly Sample[], samples: readonly Sample[]): string {
  if (rounds.some(({ errors }) => errors > 0)) return "invalid";
  return spread(
    rounds.map((sample) => valueOf(column, sample, samples)),
    column.digits,
  );
}

function remarks(samples: readonly Sample[], dropped: number): string[] {
  const lines = samples
    .filter(({ errors }) => errors > 0)
    .map(
      ({ system, round, load, errors, firstError = "no reply at all" }) =>
        `- **Invalid**: ${system}, round ${round}, ${load}: ${errors} errors (${firstError}).`,
    );
  if (dropped > 0) lines.push(`- ${dropped} measurements were dropped because others used the cores meanwhile.`);
  const disturbed = samples.filter(isDisturbed);
  if (disturbed.length > 0) {
    const most = Math.max(...disturbed.map(({ foreignShare }) => foreignShare)) * 100;
    lines.push(
      `- **Disturbed**: ${disturbed.length} of ${samples.length} measurements above were shared with other processes ` +
        `(up to ${most.toFixed(0)} % of a core) and had no quiet one to replace them.`,
    );
  }
  return [...(lines.length === 0 ? [] : [lines.join("\n")]), ...nearCeiling(samples)];
}

function nearCeiling(samples: readonly Sample[]): string[] {
  const rate = ({ figures }: Sample): number => figures["perSecond"] ?? 0;
  const near = samples.filter((sample) => {
    const direct = samples.filter(({ system, load }) => system === "direct" && load === sample.load);
    const ceiling = Math.min(...direct.map(rate));
    return sample.system !== "direct" && direct.length > 0 && rate(sample) > ceiling * ceilingShare;
  });
  const names = [...new Set(near.map(({ system }) => system))];
  return names.map((name) => `- The rate of ${name} is within 20 % of that without a proxy: read its CPU time.`);
}
