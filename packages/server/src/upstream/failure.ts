import { errors } from "undici";
import { AppError } from "../kernel/errors.ts";

/** Raised inside the resolver when a name leads nowhere the gateway may connect to. */
export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";
}

/** What an error of the HTTP client means to a caller. `headSeen`: whether the reply had begun. */
export function classifyFailure(error: Error, provider: string, headSeen: boolean, seconds: number): AppError {
  if (error instanceof AppError) return error;
  const cause = { cause: error };
  if (findCause(error, (candidate) => candidate instanceof ForbiddenAddress)) {
    return new AppError("upstream_forbidden", { provider }, cause);
  }
  if (error instanceof errors.InvalidArgumentError) return new AppError("internal", {}, cause);
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return new AppError("upstream_timeout", { provider, seconds }, cause);
  }
  if (headSeen) return new AppError("upstream_broke", { provider }, cause);
  return new AppError(isUnreadable(error) ? "upstream_unreadable" : "upstream_unreachable", { provider }, cause);
}

/** Something came, and it is no head of a reply: not HTTP, too large, or not one that was asked for. */
function isUnreadable(error: Error): boolean {
  return (
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError ||
    (error instanceof errors.SocketError && error.message.startsWith("bad "))
  );
}

function findCause(error: unknown, matches: (candidate: unknown) => boolean): boolean {
  if (matches(error)) return true;
  if (error instanceof AggregateError) return error.errors.some((inner) => findCause(inner, matches));
  return error instanceof Error && error.cause !== undefined && findCause(error.cause, matches);
}
