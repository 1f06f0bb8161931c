import type { Socket } from "node:net";
import type { HttpRequest } from "./http.ts";
import { PlainRequest } from "./lane/request.ts";
import { AppError } from "../kernel/errors.ts";
import { release } from "../kernel/memory.ts";
import { join, joinInSlices } from "../kernel/splice.ts";
import { sliceBytes } from "../kernel/turns.ts";
import { askForBody } from "./expect.ts";

export interface BodyLimits {
  readonly limitBytes: number;
  /** Within this time the body must have arrived whole. */
  readonly timeoutMs: number;
  /** Bytes a second, over every span of `paceSpanMs`; 0 for any. */
  readonly minRate: number;
}

/** A body may pause for a while, but not for longer than this: a sender that drips is told apart from a slow line. */
const paceSpanMs = 5_000;

/** A body that comes in pieces: Node's request, or `ComingBody`. `close` without `end` before it means that no more comes. */
interface BodyStream {
  /** Whether it has come whole, be it read or not. */
  readonly complete: boolean;
  readonly destroyed: boolean;
  readonly socket: Socket;
  isPaused(): boolean;
  pause(): unknown;
  resume(): unknown;
  on(event: "data", listener: (chunk: Buffer) => void): unknown;
  on(event: "end" | "close" | "error", listener: () => void): unknown;
}

/** Takes a body's next bytes. If it gives a promise, the sender is made to wait until that is resolved. */
export type TakeChunk = (chunk: Buffer) => Promise<void> | undefined;

/**
 * Reads a request body whole; asks for it if its sender waits for `100 Continue`. Throws `body_too_large` as soon as the
 * stated or the real size passes the limit, `body_timeout`, `body_too_slow`, and `invalid_request` when the client hangs up
 * before the end.
 */
export function readBody(request: HttpRequest, limits: BodyLimits): Buffer | Promise<Buffer> {
  const body = bodyOf(request, limits);
  return Buffer.isBuffer(body) ? body : readStreamed(body, limits);
}

/** The bytes, if they lie in memory, else what brings them, asked for them. */
function bodyOf(request: HttpRequest, limits: BodyLimits): Buffer | BodyStream {
  if (statedBytes(request) > limits.limitBytes) throw tooLarge(limits);
  if (request instanceof PlainRequest) return request.coming ?? request.takeBody();
  askForBody(request);
  return request;
}

async function readStreamed(stream: BodyStream, limits: BodyLimits): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  await receiveStream(stream, limits, (chunk) => {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    return undefined;
  });
  const whole = chunks.splice(0); // the request's listeners hold on to `chunks` until the reply has ended
  const [only] = whole;
  if (whole.length === 1 && only !== undefined) return only;
  const joined = sizeBytes > sliceBytes ? await joinInSlices(whole) : join(whole);
  for (const chunk of whole) release(chunk);
  return joined;
}

/** The same for a body that is not to lie in memory. Throws what `take` throws too; then nothing more is taken. */
export async function receiveBody(request: HttpRequest, limits: BodyLimits, take: TakeChunk): Promise<void> {
  const body = bodyOf(request, limits);
  if (Buffer.isBuffer(body)) await take(body);
  else await receiveStream(body, limits, take);
}

function receiveStream(stream: BodyStream, limits: BodyLimits, take: TakeChunk): Promise<void> {
  return new Promise((resolve, reject) => {
    let sizeBytes = 0;
    let over = false;
    /** What was made of the latest chunk that took a while. */
    let taking: Promise<void> | undefined;
    let stopWatching = (): void => undefined;
    const fail = (thrown: unknown): void => {
      over = true;
      stopWatching();
      stream.pause();
      reject(thrown);
    };
    stream.on("data", (chunk: Buffer) => {
      if (over) return;
      sizeBytes += chunk.length;
      if (sizeBytes > limits.limitBytes) return fail(tooLarge(limits));
      const taken = attempt(take, chunk);
      if (taken === undefined) return;
      taking = taken;
      stream.pause();
      taken.then(() => {
        if (!over) stream.resume();
      }, fail);
    });
    stream.on("end", () => {
      over = true;
      stopWatching();
      resolve(taking); // a stream of Node's that was paused at its last chunk ends all the same
    });
    const leave = (): void => {
      if (!over) fail(new AppError("invalid_request", { problem: "the request body ended early" }));
    };
    stream.on("close", leave);
    stream.on("error", () => undefined); // always followed by `close`
    // Most bodies come with their head and are complete by now; only the others need watching.
    setImmediate(() => {
      if (over || stream.complete) return;
      if (stream.destroyed || stream.socket.destroyed) return leave();
      const stopPace = watchPace(stream, limits, () => sizeBytes, fail);
      // A request that was answered before its body ended, as one with a broken body is, is not told that the caller left.
      stream.socket.once("close", leave);
      stopWatching = () => {
        stopPace();
        stream.socket.off("close", leave);
      };
    });
  });
}

/** The size that the head states; 0 if it states none. */
export function statedBytes(request: HttpRequest): number {
  if (request instanceof PlainRequest) return request.bodyBytes;
  return Number(request.headers["content-length"] ?? 0);
}

/** What is thrown at once is a failure like one that comes later. */
function attempt(take: TakeChunk, chunk: Buffer): Promise<void> | undefined {
  try {
    return take(chunk);
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/**
 * Fails a body that takes too long or comes too slowly, `received` telling how much has come so far. Gives what stops the
 * watching.
 */
function watchPace(
  stream: BodyStream,
  limits: BodyLimits,
  received: () => number,
  fail: (error: AppError) => void,
): () => void {
  const { timeoutMs, minRate } = limits;
  const seconds = Math.round(timeoutMs / 1000);
  const deadline = setTimeout(() => fail(new AppError("body_timeout", { seconds })), timeoutMs);
  let before = received();
  const pace = setInterval(() => {
    const came = received() - before;
    before = received();
    if (stream.isPaused()) return; // it is we who make the sender wait
    if (came < (minRate * paceSpanMs) / 1000) fail(new AppError("body_too_slow", { rate: minRate }));
  }, paceSpanMs);
  return () => {
    clearTimeout(deadline);
    clearInterval(pace);
  };
}

function tooLarge({ limitBytes }: BodyLimits): AppError {
  return new AppError("body_too_large", { limit: limitBytes });
}
