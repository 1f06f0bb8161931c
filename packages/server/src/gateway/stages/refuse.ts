import type { AppError } from "../../kernel/errors.ts";
import type { Dialect, Failure } from "../../dialects/index.ts";
import type { HttpReply, HttpRequest } from "../../ingress/index.ts";

/** An error as the caller's dialect wants to have it. `status` is given where it is not the one of the error's code. */
export function failureOf(error: AppError, requestId: string, status: number = error.status): Failure {
  return {
    code: error.code,
    status,
    message: error.message,
    requestId,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
  };
}

/** Answers with an error in the caller's dialect. Nothing of the reply may have been sent yet. */
export function refuse(
  request: Pick<HttpRequest, "method">,
  response: HttpReply,
  dialect: Dialect,
  error: AppError,
  requestId: string,
  headers: readonly string[] = [],
  status: number = error.status,
): void {
  const encoded = dialect.failure.encode(failureOf(error, requestId, status));
  const head = [
    "content-type",
    "application/json",
    "content-length",
    String(encoded.body.length),
    "x-request-id",
    requestId,
    "request-id", // what Anthropic's clients read
    requestId,
    ...headers,
  ];
  if (error.retryAfterSeconds !== undefined && !headers.includes("retry-after")) {
    head.push("retry-after", String(error.retryAfterSeconds));
  }
  // What a key was refused for does not pass by itself. Without the word Claude Code goes on trying for minutes, in silence.
  if (error.status === 401) head.push("www-authenticate", "Bearer", "x-should-retry", "false");
  // The rest of a body that is too large or too slow is not waited for. Any other is read and dropped by Node, so that the
  // answer is not lost in a connection reset and the connection can be used again.
  if (error.code === "body_too_large" || error.code === "body_timeout") response.shouldKeepAlive = false;
  response.writeHead(encoded.status, head);
  response.end(request.method === "HEAD" ? undefined : encoded.body);
}
