import type { IncomingMessage } from "node:http";
import { AppError } from "../kernel/errors.ts";

/**
 * Reads a request body whole. Throws `body_too_large` as soon as the stated or the real size passes the limit,
 * and `invalid_request` when the client hangs up before the end.
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const tooLarge = (): AppError => new AppError("body_too_large", { limit: limitBytes });
  const stated = Number(request.headers["content-length"] ?? 0);
  if (stated > limitBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    let only: Buffer | undefined;
    let chunks: Buffer[] | undefined;
    let sizeBytes = 0;
    request.on("data", (chunk: Buffer) => {
      sizeBytes += chunk.length;
      if (sizeBytes > limitBytes) {
        request.pause();
        return reject(tooLarge());
      }
      if (only === undefined) only = chunk;
      else (chunks ??= [only]).push(chunk);
    });
    request.on("end", () =>
      resolve(chunks === undefined ? (only ?? Buffer.alloc(0)) : Buffer.concat(chunks, sizeBytes)),
    );
    request.on("close", () => {
      if (!request.complete) reject(new AppError("invalid_request", { problem: "the request body ended early" }));
    });
    request.on("error", () => undefined); // always followed by `close`
  });
}
