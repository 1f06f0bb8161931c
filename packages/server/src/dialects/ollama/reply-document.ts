import type { TokenUsage } from "../../kernel/tokens.ts";
import { counter, field, text } from "../counter.ts";
import type { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import { failureOf, failureWords, kindOfStatus, kindOfWords } from "../canonical/failure-words.ts";
import type { FailureKind, Finish, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { tokensOf } from "./usage.ts";

/*
 * What an engine's document says: each line of a stream is one, and a whole reply is a single one, with the same keys. Those of
 * `/api/generate` have `response` and `thinking` where those of `/api/chat` have a message.
 */

/** Says what the document says, up to its end if it is the last one. */
export function writeDocument(document: JsonObject, calls: CallCounter, writer: BlockWriter): void {
  const { error, message } = document;
  if (error !== undefined && error !== null) return writer.fail(failureIn(error, 200));
  writer.start();
  const said = isObject(message) ? message : document;
  const { thinking, content = said["response"], tool_calls: list } = said;
  if (typeof thinking === "string") writer.thinking(thinking);
  if (typeof content === "string") writer.text(content);
  if (Array.isArray(list)) for (const call of list) calls.write(call, writer);
  if (document["done"] === true) writer.finish(finishOf(document, calls), usageOf(document));
}

/** Writes calls, each of which comes whole. */
export class CallCounter {
  #count = 0;
  readonly #ids = new Set<string>();
  /** Whether there was one without the name of a tool. */
  hasNameless = false;

  write(call: unknown, writer: BlockWriter): void {
    const name = text(call, "function", "name");
    const id = text(call, "id") ?? "";
    if (id !== "" && this.#ids.has(id)) return; // some engines say all calls again at the end
    if (name === undefined) {
      this.hasNameless = true;
      return;
    }
    this.#ids.add(id);
    const key = this.#count++;
    writer.call(key, id, name);
    writer.callText(key, argumentsText(field(call, "function", "arguments")));
    writer.endCall(key);
  }
}

function argumentsText(written: unknown): string {
  if (typeof written === "string") return written;
  return JSON.stringify(written ?? {});
}

/** Whatever the end is called, but for `length`, the model came to it by itself. */
function finishOf(document: JsonObject, calls: CallCounter): Finish {
  if (document["done_reason"] === "length") return { reason: "length" };
  return { reason: calls.hasNameless ? "malformed_call" : "end" };
}

function usageOf(document: JsonObject): TokenUsage | undefined {
  const reason = text(document, "done_reason");
  return tokensOf(counter(document, "prompt_eval_count"), counter(document, "eval_count"), reason);
}

/** An error is a text, or in what others made of the API an object with a message. */
export function failureIn(error: unknown, status: number): UpstreamFailure {
  const words = failureWords(error);
  return failureOf(kindOf(words, status), status, words);
}

/** https://docs.ollama.com/api/errors; a line of a stream has no status of its own. */
function kindOf(words: string, status: number): FailureKind {
  const told = kindOfWords(words);
  if (told !== undefined) return told;
  if (status !== 200) return kindOfStatus(status);
  return wordKinds.find(([pattern]) => pattern.test(words))?.[1] ?? "server";
}

const wordKinds: readonly (readonly [RegExp, FailureKind])[] = [
  [/server busy|overloaded|maximum pending requests/i, "overloaded"],
  [/rate limit|too many requests|usage limit/i, "rate_limited"],
  [/unauthorized/i, "refused_key"],
  [/timed? ?out|deadline exceeded/i, "timeout"],
  [/not found/i, "not_found"],
];
