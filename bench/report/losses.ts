import { usable, type Sample } from "../sample.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { median } from "../statistics.ts";
import { valueOf, type Column } from "./column.ts";
import { write } from "./spread.ts";

/** Where another system did better, by the median of its rounds: a comparison that tells only wins is none. */
export function lossesSection(scenarios: readonly Scenario[], all: readonly Sample[]): string {
  const { samples } = usable(all);
  const lines = scenarios.flatMap((scenario) =>
    scenario.columns
      .filter(({ better, against }) => better !== undefined && against === undefined)
      .flatMap((column) => lossesIn(scenario.id, column, samples)),
  );
  const found = lines.length === 0 ? ["None was found in what was measured."] : lines;
  return ["## Where portcullis is behind", found.join("\n")].join("\n\n");
}

function lossesIn(scenario: string, column: Column, samples: readonly Sample[]): string[] {
  const own = samples.filter((sample) => sample.scenario === scenario && sample.errors === 0);
  return [...new Set(own.map(({ load }) => load))].flatMap((load) => {
    const at = own.filter((sample) => sample.load === load);
    const middleOf = (name: string): number =>
      median(at.filter(({ system }) => system === name).flatMap((sample) => valueOf(column, sample, samples) ?? []));
    const ours = middleOf("portcullis");
    const others = [...new Set(at.map(({ system }) => system))].filter((name) => !/^(direct|portcullis)/.test(name));
    const ahead = others
      .map((name) => ({ name, value: middleOf(name) }))
      .filter(({ value }) => (column.better === "lower" ? value < ours : value > ours));
    if (ahead.length === 0) return [];
    const theirs = ahead.map(({ name, value }) => `${name} ${write(value, column.digits)}`).join(", ");
    return [`- ${scenario.toUpperCase()}, ${load}, ${column.heading}: ${write(ours, column.digits)} against ${theirs}`];
  });
}
