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
  readonly topic: About;
  readonly job: JobOf<About>;
}

/** What it answers. */
export type Translated =
  | { readonly result: TranslatedOf<Topic> }
  | { readonly code: ErrorCode; readonly values: ErrorValues; readonly detail: string };

interface Waiting extends PromiseWithResolvers<TranslatedOf<Topic>> {
  readonly asked: Asked;
  readonly sizeBytes: number;
}

const mostHereBytes = 256 * 1024;
const idleMs = 60_000;

const threadFile = new URL(`./translation-worker${extname(import.meta.filename)}`, import.meta.url);

/** `thread` is the program of the other thread. */
export function createTranslator(thread = threadFile): Translator {
  const waiting: Waiting[] = [];
  let working: Waiting | undefined;
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;

  function stop(): Promise<unknown> {
    const stopped = worker?.terminate() ?? Promise.resolve();
    worker = undefined;
    clearTimeout(idle);
    return stopped;
  }

  function start(): Worker {
    const started = startThread(thread, answered, (cause) => {
      if (worker !== started) return; // it was stopped
      worker = undefined;
      failed(cause);
    });
    return started;
  }

  function answered(answer: Translated): void {
    if ("result" in answer) working?.resolve(answer.result);
    else working?.reject(new AppError(answer.code, answer.values, { detail: answer.detail }));
    goOn();
  }

  function failed(cause: unknown): void {
    working?.reject(new AppError("internal", {}, { cause }));
    goOn();
  }

  /** The least of what waits is next, so that it waits for one that is huge at most, and not for all of them. */
  function goOn(): void {
    clearTimeout(idle);
    working = waiting.sort((one, other) => one.sizeBytes - other.sizeBytes).shift();
    if (working === undefined) {
      idle = setTimeout(() => void stop(), idleMs).unref();
      return;
    }
    worker ??= start();
    try {
      worker.postMessage(working.asked, movable(working.asked.job.body));
    } catch (cause) {
      failed(cause); // it cannot be cloned
    }
  }

  function elsewhere<About extends Topic>(topic: About, job: JobOf<About>): Promise<TranslatedOf<About>> {
    const answer = Promise.withResolvers<TranslatedOf<Topic>>();
    waiting.push({ ...answer, asked: { topic, job }, sizeBytes: job.body.length });
    if (working === undefined) goOn();
    return answer.promise as Promise<TranslatedOf<About>>; // what is asked about is what is answered
  }

  return {
    request: (topic, job) => (job.body.length > mostHereBytes ? elsewhere(topic, job) : translate(topic, job)),
    async close() {
      await stop();
      const closed = new AppError("internal", {}, { cause: new Error("the gateway is closed") });
      for (const each of [working, ...waiting.splice(0)]) each?.reject(closed);
    },
  };
}

/** `died` is told of its end, whatever it died of. */
function startThread(program: URL, answered: (answer: Translated) => void, died: (cause: unknown) => void): Worker {
  const thread = new Worker(program);
  let cause: unknown;
  thread.on("message", answered);
  thread.on("error", (error) => (cause = error));
  thread.on("exit", () => died(cause));
  thread.unref();
  return thread;
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
