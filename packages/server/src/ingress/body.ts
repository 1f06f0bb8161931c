import type { IncomingMessage } from "node:http";
import { AppError } from "../kernel/errors.ts";

export interface BodyLimits {
  readonly limitBytes: number;
  /** Within this time the body must have arrived whole. */
  readonly timeoutMs: number;
}

/**
 * Reads a request body whole. Throws `body_too_large` as soon as the stated or the real size passes the limit,
 * `body_timeout`, and `invalid_request` when the client hangs up before the end.
 */
export function readBody(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const stated = Number(request.headers["content-length"] ?? 0);
  if (stated > limits.limitBytes) return Promise.reject(tooLarge(limits));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let timer: NodeJS.Timeout | undefined;
    const fail = (error: AppError): void => {
      clearTimeout(timer);
      request.pause();
      reject(error);
    };
    request.on("data", (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limits.limitBytes) fail(tooLarge(limits));
      else chunks.push(chunk);
    });
    request.on("end", () => {
      clearTimeout(timer);
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, sizeBytes));
    });
    request.on("close", () => {
      if (!request.complete) fail(new AppError("invalid_request", { problem: "the request body ended early" }));
    });
    request.on("error", () => undefined); // always followed by `close`
    // Most bodies come with their head and are complete by now; only the others need a timer.
    setImmediate(() => {
      if (request.complete || request.destroyed) return;
      const seconds = Math.round(limits.timeoutMs / 1000);
      timer = setTimeout(() => fail(new AppError("body_timeout", { seconds })), limits.timeoutMs);
    });
  });
}

function tooLarge({ limitBytes }: BodyLimits): AppError {
  return new AppError("body_too_large", { limit: limitBytes });
}
