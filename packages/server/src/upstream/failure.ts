import { AppError } from "../kernel/errors.ts";
import { UnreadableReply } from "./http1/index.ts";

/** Raised inside the resolver when a name leads nowhere the gateway may connect to. */
export class ForbiddenAddress extends Error {
  override readonly name = "ForbiddenAddress";
}

/** What an error of the connection means to a caller. `headSeen`: whether the reply had begun. */
export function classifyFailure(error: Error, provider: string, headSeen: boolean): AppError {
  const cause = { cause: error };
  if (findCause(error, (candidate) => candidate instanceof ForbiddenAddress)) {
    return new AppError("upstream_forbidden", { provider }, cause);
  }
  if (error instanceof TypeError) return new AppError("internal", {}, cause); // the request could not be written
  if (headSeen) return new AppError("upstream_broke", { provider }, cause);
  // Something came, and it is no head of a reply.
  const code = error instanceof UnreadableReply ? "upstream_unreadable" : "upstream_unreachable";
  return new AppError(code, { provider }, cause);
}

function findCause(error: unknown, matches: (candidate: unknown) => boolean): boolean {
  if (matches(error)) return true;
  if (error instanceof AggregateError) return error.errors.some((inner) => findCause(inner, matches));
  return error instanceof Error && error.cause !== undefined && findCause(error.cause, matches);
}
