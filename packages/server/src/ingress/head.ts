import type { AppError } from "../kernel/errors.ts";
import type { Allowed } from "./callers.ts";
import { headRules, type RequestHead } from "./rules.ts";

/** What is wrong with a request head. */
export interface HeadProblem {
  readonly error: AppError;
  /** Whether the connection must not be used again. */
  readonly closes: boolean;
}

/** The first rule that a head breaks, as an error; `undefined` if it may go on to be answered. */
export function checkHead(request: RequestHead, allowed: Allowed): HeadProblem | undefined {
  for (const rule of headRules) {
    const error = rule.check(request, allowed);
    if (error !== undefined) return { error, closes: rule.closes };
  }
  return undefined;
}
