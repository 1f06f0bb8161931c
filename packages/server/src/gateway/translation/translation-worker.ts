import { parentPort } from "node:worker_threads";
import { translateRequest, type TranslationJob } from "../../dialects/index.ts";
import { asAppError } from "../../kernel/errors.ts";
import type { Translated } from "./translator.ts";

/** The thread that translates large requests, one after the other. */
const port = parentPort;
if (port === null) throw new Error("this file is the body of a worker thread");

port.on("message", ({ id, job }: { readonly id: number; readonly job: TranslationJob }) => {
  port.postMessage(answerTo(id, job));
});

function answerTo(id: number, job: TranslationJob): Translated {
  try {
    return { id, request: translateRequest(job) };
  } catch (thrown) {
    const { code, values } = asAppError(thrown);
    return { id, code, values };
  }
}
