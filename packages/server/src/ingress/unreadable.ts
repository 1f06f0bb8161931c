import type { Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";
import { STATUS_CODES } from "./node-http.ts";

/** How long a connection that was given up may go on taking its answer in. */
const lingerMs = 2_000;

/**
 * Answers on a connection itself, where there is no request to answer, and closes it: nothing behind can be told from the
 * rest. Whose dialect it would be is not known, so the answer has the shape that most clients read.
 */
export function answerOn(socket: Socket, error: AppError): void {
  if (!socket.writable) return void socket.destroy();
  const { status, code, message, hint, retryAfterSeconds } = error;
  const type = status >= 500 ? "server_error" : "invalid_request_error";
  const text = hint === undefined ? message : `${message}. ${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
  const body = JSON.stringify({ error: { message: text, type, param: null, code } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...(retryAfterSeconds === undefined ? [] : [`retry-after: ${retryAfterSeconds}`]),
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  socket.on("error", () => undefined); // it may be gone already, and Node may have let go of it
  const cut = setTimeout(() => socket.destroy(), lingerMs);
  socket.once("close", () => clearTimeout(cut));
}

/** What to say of bytes that Node's parser could not read as a request, or not in time. */
export function explain(error: NodeJS.ErrnoException): AppError {
  if (error.code === "HPE_HEADER_OVERFLOW") return new AppError("head_too_large");
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return new AppError("head_timeout");
  return new AppError("invalid_request", { problem: "this is not an HTTP/1.1 request" });
}
