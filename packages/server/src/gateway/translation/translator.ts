import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { AppError, type ErrorValues } from "../../kernel/errors.ts";
import type { ErrorCode } from "@portcullis/contract";
import { translateRequest, type TranslatedRequest, type TranslationJob } from "../../dialects/index.ts";

/*
 * Translates requests. Most take well under a millisecond and are translated where they are. A large one would hold up every
 * other caller for as long as it takes to parse it, so it goes to a thread of its own, which is started when it is needed first
 * and ends when it was not needed for a while.
 */
export interface Translator {
  /** Throws what `translateRequest` throws. */
  request(job: TranslationJob): TranslatedRequest | Promise<TranslatedRequest>;
  close(): Promise<void>;
}

/** What a thread answers. */
export type Translated =
  | { readonly id: number; readonly request: TranslatedRequest }
  | { readonly id: number; readonly code: ErrorCode; readonly values: ErrorValues };

const mostHereBytes = 256 * 1024;
const idleMs = 60_000;

export function createTranslator(): Translator {
  const waiting = new Map<number, PromiseWithResolvers<TranslatedRequest>>();
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;
  let count = 0;

  function stop(): Promise<unknown> {
    const stopped = worker?.terminate() ?? Promise.resolve();
    worker = undefined;
    clearTimeout(idle);
    return stopped;
  }

  function failAll(cause: unknown): void {
    for (const each of waiting.values()) each.reject(new AppError("internal", {}, { cause }));
    waiting.clear();
  }

  function start(): Worker {
    const file = new URL(`./translation-worker${extname(import.meta.filename)}`, import.meta.url);
    const started = new Worker(file);
    started.on("message", (message: Translated) => {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if ("request" in message) asked?.resolve(message.request);
      else asked?.reject(new AppError(message.code, message.values));
      if (waiting.size === 0) idle = setTimeout(() => void stop(), idleMs).unref();
    });
    started.on("error", (cause) => {
      worker = undefined;
      failAll(cause);
    });
    started.unref();
    return started;
  }

  function elsewhere(job: TranslationJob): Promise<TranslatedRequest> {
    clearTimeout(idle);
    worker ??= start();
    const answer = Promise.withResolvers<TranslatedRequest>();
    const id = ++count;
    waiting.set(id, answer);
    worker.postMessage({ id, job });
    return answer.promise;
  }

  return {
    request: (job) => (job.body.length > mostHereBytes ? elsewhere(job) : translateRequest(job)),
    async close() {
      await stop();
      failAll(new Error("the gateway is closed"));
    },
  };
}
