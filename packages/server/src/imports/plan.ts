import type { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";

export type Outcome = "imported" | "present" | "skipped" | "failed";

/** What is to be done with an item, found out without changing anything. */
export type Plan =
  /** Nothing: it is here. `finish` completes what an earlier run was stopped at. */
  | { readonly present: string; readonly reason?: string; readonly finish?: () => Promise<void> }
  /** `foresee` makes a dry run go on as if it had been made. */
  | { readonly apply: () => Promise<Made>; readonly foresee?: () => void; readonly reason?: string };

export interface Made {
  /** The id of what was made. */
  readonly target: string;
  /** Of a new key: the key itself. */
  readonly key?: Secret;
}

/** An item that is not taken over, and why. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly outcome: "skipped" | "failed";

  constructor(outcome: "skipped" | "failed", reason: string) {
    super(reason);
    this.outcome = outcome;
  }
}

/** Whether an error is about this item, so that the others can go on: not about the vault, the database or ourselves. */
export function concernsItem(error: AppError): boolean {
  return error.status < 500;
}
