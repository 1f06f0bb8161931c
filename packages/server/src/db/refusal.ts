import { AppError } from "../kernel/errors.ts";

/**
 * What a PostgreSQL server refused, if it answered the first connection with a refusal; that is a mistake in the address.
 * The codes are SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function refusal(error: unknown): "credentials" | "database" | undefined {
  const cause = error instanceof AppError ? error.cause : error;
  if (!(cause instanceof Error) || !("severity" in cause && "code" in cause)) return undefined;
  if (cause.code === "3D000") return "database";
  return typeof cause.code === "string" && cause.code.startsWith("28") ? "credentials" : undefined;
}
