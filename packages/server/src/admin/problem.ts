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
  send(response, error, "application/problem+json", body, requestId);
}

/** The same in the shape of OpenAI's API, for endpoints whose callers read that. */
export function sendOpenaiError(response: ServerResponse, error: AppError, requestId: string): void {
  const message = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  const type = error.status === 401 || error.status === 403 ? "auth_error" : "invalid_request_error";
  const body = JSON.stringify({ error: { message, type, param: null, code: String(error.status) } });
  send(response, error, "application/json", body, requestId);
}

function send(response: ServerResponse, error: AppError, type: string, body: string, requestId: string): void {
  response.writeHead(error.status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-request-id": requestId,
    ...(error.retryAfterSeconds === undefined ? {} : { "retry-after": String(error.retryAfterSeconds) }),
    ...(error.status === 401 ? { "www-authenticate": "Bearer" } : {}),
  });
  response.end(body);
}
