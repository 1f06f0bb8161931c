import { PortcullisError } from "@portcullis/client";
import { AppError } from "../kernel/errors.ts";

export const exitCodes = { done: 0, failed: 1, wrongUsage: 2, notFound: 3, refused: 4, unreachable: 5 } as const;

/** Codes whose status alone would say that the command line is wrong. */
const failures = new Set(["config_invalid", "import_unreadable", "provider_test_failed"]);

const noGateway = new Set(["unreachable", "timeout", "unexpected_reply"]);

const byStatus: Readonly<Record<number, number>> = {
  400: exitCodes.wrongUsage,
  401: exitCodes.refused,
  403: exitCodes.refused,
  404: exitCodes.notFound,
};

export function exitCodeOf(thrown: unknown): number {
  if (!(thrown instanceof PortcullisError) && !(thrown instanceof AppError)) return exitCodes.failed;
  if (noGateway.has(thrown.code)) return exitCodes.unreachable;
  if (failures.has(thrown.code)) return exitCodes.failed;
  return byStatus[thrown.status] ?? exitCodes.failed;
}
