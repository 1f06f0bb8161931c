import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { AppError, type ErrorValues } from "../../kernel/errors.ts";
import type { ErrorCode } from "@portcullis/contract";
import { translations, type JobOf, type Topic, type TranslatedOf } from "../../dialects/index.ts";

/*
 * Translates requests, and replies that hold many numbers. Most take well under a millisecond and are translated where they are.
 * A large one would hold up every other caller for as long as it takes to parse it, so it goes to a thread of its own, which is
 * started when it is needed first and ends when it was not needed for a while.
 */
export interface Translator {
  /** The body is not to be used any more, wherever it is translated. Throws what the `translations` throw. */
  request<About extends Topic>(topic: About, job: JobOf<About>): TranslatedOf<About> | Promise<TranslatedOf<About>>;
  close(): Promise<void>;
}

/** What a thread is asked. */
export interface Asked<About extends Topic = Topic> {
  readonly id: number;
  readonly topic: About;
  readonly job: JobOf<About>;
}

/** What it answers. */
export type Translated =
  | { readonly id: number; readonly result: TranslatedOf<Topic> }
  | { readonly id: number; readonly code: ErrorCode; readonly values: ErrorValues; readonly detail: string };

const mostHereBytes = 256 * 1024;
const idleMs = 60_000;

export function createTranslator(): Translator {
  const waiting = new Map<number, PromiseWithResolvers<TranslatedOf<Topic>>>();
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
      if ("result" in message) asked?.resolve(message.result);
      else asked?.reject(new AppError(message.code, message.values, { detail: message.detail }));
      if (waiting.size === 0) idle = setTimeout(() => void stop(), idleMs).unref();
    });
    started.on("error", (cause) => {
      worker = undefined;
      failAll(cause);
    });
    started.unref();
    return started;
  }

  function elsewhere<About extends Topic>(topic: About, job: JobOf<About>): Promise<TranslatedOf<About>> {
    clearTimeout(idle);
    worker ??= start();
    const answer = Promise.withResolvers<TranslatedOf<Topic>>();
    const id = ++count;
    waiting.set(id, answer);
    worker.postMessage({ id, topic, job } satisfies Asked<About>, movable(job.body));
    return answer.promise as Promise<TranslatedOf<About>>; // what is asked about is what is answered
  }

  return {
    request: (topic, job) => (job.body.length > mostHereBytes ? elsewhere(topic, job) : translate(topic, job)),
    async close() {
      await stop();
      failAll(new Error("the gateway is closed"));
    },
  };
}

/** How much more memory than bytes there may be for it to be theirs alone. */
const mostRoomBytes = 4_096;

/**
 * The memory of large bytes, to be given to the other thread instead of a copy, which would take as long as some translations.
 * Whoever gave the bytes cannot use them any more.
 */
export function movable({ buffer, byteLength }: Uint8Array): ArrayBuffer[] {
  const isOwn = byteLength > mostHereBytes && buffer.byteLength - byteLength <= mostRoomBytes;
  return isOwn && buffer instanceof ArrayBuffer ? [buffer] : [];
}

/** The same, here and now. */
export function translate<About extends Topic>(topic: About, job: JobOf<About>): TranslatedOf<About> {
  const translation = translations[topic] as (job: JobOf<About>) => TranslatedOf<About>; // as the table's own types say
  return translation(job);
}
