import type { Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";

/**
 * Answers bytes that Node's parser could not read as a request, then closes the connection: nothing behind them can be told
 * from the rest of them. Whose dialect it would be is not known, so the answer has the shape that most clients read.
 */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, code, message } = explain(error);
  const body = JSON.stringify({ error: { message, type: "invalid_request_error", param: null, code } });
  const head = [
    `HTTP/1.1 ${status} Refused`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}

function explain(error: NodeJS.ErrnoException): AppError {
  if (error.code === "HPE_HEADER_OVERFLOW") return new AppError("head_too_large");
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") return new AppError("head_timeout");
  return new AppError("invalid_request", { problem: "this is not an HTTP/1.1 request" });
}
