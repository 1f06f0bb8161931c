import type { Plan } from "../plan.ts";
import type { Column } from "../report/column.ts";
import type { Sample } from "../sample.ts";
import type { System } from "../systems/system.ts";

/** What is measured, of each system anew in every round. */
export interface Scenario {
  readonly id: string;
  readonly title: string;
  /** How it is measured and what to know about it; said above its tables. */
  readonly method: string;
  readonly columns: readonly Column[];
  /** Which systems it is for, of those that are to be measured; it can add variants of its own. */
  systems(chosen: readonly System[], plan: Plan): readonly System[];
  /** How often, where that is not as often as planned. */
  rounds?(plan: Plan): number;
  /** What is measured of all systems together, once, before the rest. */
  measureTogether?(systems: readonly System[], plan: Plan): Promise<readonly Omit<Sample, "scenario">[]>;
  measure(run: Run): Promise<readonly Reading[]>;
}

export interface Run {
  readonly system: System;
  readonly plan: Plan;
}

/** What one load on one system gave. */
export interface Reading {
  /** In the words of a table's heading: "1,000 requests/s". */
  readonly load: string;
  readonly figures: Figures;
  readonly errors: number;
  readonly firstError?: string;
}

/** By name: columns and the budget ask for them. One that is missing or not a finite number was not measured. */
export type Figures = Readonly<Record<string, number | undefined>>;
