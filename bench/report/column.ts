import type { Sample } from "../sample.ts";

/** One figure of a table, or of a row of the budget. */
export interface Column {
  readonly heading: string;
  /** Its name among the figures of a sample. */
  readonly figure: string;
  readonly digits: number;
  /** Which way it is a gain; without it the figure only describes. */
  readonly better?: "lower" | "higher";
  /** Says it in relation to what another system had in the same round. */
  readonly against?: Against;
}

export interface Against {
  readonly system: string;
  /** `times less`: how often its own goes into the other's. */
  readonly how: "times" | "times less" | "minus";
}

/** What the sample has for the column; `undefined` where it was not measured, or has nothing to be compared to. */
export function valueOf(column: Column, sample: Sample, samples: readonly Sample[]): number | undefined {
  const own = figureOf(sample, column.figure);
  const { against } = column;
  if (against === undefined || own === undefined) return own;
  const other = samples.find(
    ({ scenario, load, round, system }) =>
      scenario === sample.scenario && load === sample.load && round === sample.round && system === against.system,
  );
  const theirs = other === undefined || other.errors > 0 ? undefined : figureOf(other, column.figure);
  if (theirs === undefined) return undefined;
  switch (against.how) {
    case "times":
      return own / theirs;
    case "times less":
      return theirs / own;
    case "minus":
      return own - theirs;
  }
}

function figureOf(sample: Sample, figure: string): number | undefined {
  const value = sample.figures[figure];
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}
