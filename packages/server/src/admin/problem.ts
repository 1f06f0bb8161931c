import type { ServerResponse } from "node:http";
import type { AppError } from "../kernel/errors.ts";

/** Answers with `application/problem+json` (RFC 9457), the admin plane's one error shape. */
export function sendProblem(response: ServerResponse, error: AppError, requestId: string): void {
  const body = JSON.stringify({
    type: "about:blank",
    title: error.code.replaceAll("_", " "),
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    request_id: requestId,
  });
  response.writeHead(error.status, {
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "x-request-id": requestId,
    ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": String(error.retryAfterSeconds) }),
    ...(error.status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(body);
}
