import { parentPort } from "node:worker_threads";
import { asAppError, describe } from "../../kernel/errors.ts";
import { movable, translate, type Asked, type Translated } from "./translator.ts";

/** The thread that translates what is large, one after the other. */
const port = parentPort;
if (port === null) throw new Error("this file is the body of a worker thread");

port.on("message", (asked: Asked) => {
  const answer = answerTo(asked);
  port.postMessage(answer, memoryOf(answer));
});

function memoryOf(answer: Translated): ArrayBuffer[] {
  if (!("result" in answer) || typeof answer.result !== "object" || !("body" in answer.result)) return [];
  return movable(answer.result.body);
}

function answerTo({ topic, job }: Asked): Translated {
  try {
    return { result: translate(topic, job) };
  } catch (thrown) {
    const { code, values } = asAppError(thrown);
    return { code, values, detail: describe(thrown) };
  }
}
