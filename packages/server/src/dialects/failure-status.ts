import type { Failure } from "./dialect.ts";

/** Anthropic alone has a status of its own for a provider that is overloaded (529); to others that is 503. */
export function plainStatus({ status }: Failure): number {
  return status === 529 ? 503 : status;
}
