import { readBoolean, readString, readValue, type ScannedObject, watchKeys } from "../../kernel/json-scan.ts";
import { createLineReader } from "../../kernel/lines.ts";
import { noTokens, type TokenUsage } from "../../kernel/tokens.ts";
import { contentBytes, startsWith } from "../content-bytes.ts";
import { counter, errorType } from "../counter.ts";
import type { UsageReader, UsageReading } from "../dialect.ts";
import { createGatheringReader, nothingSaid } from "../reply-body.ts";
import { heldBytes, keptBytes, scanReply } from "../stream-data.ts";

const documentKeys = watchKeys("model", "done", "done_reason", "prompt_eval_count", "eval_count", "error");

interface Said extends Pick<UsageReading, "tokens" | "model" | "stopReason" | "failure"> {
  /** Absent where no more than one document is sent: in replies about embeddings, or about a model. */
  readonly done: boolean | undefined;
}

/** What a line says of its reply, or a whole body, which has the same keys. */
function readDocument(bytes: Buffer, document: ScannedObject): Said {
  const number = (key: string): number | undefined => counter(readValue(bytes, document.get(key)));
  const stopReason = readString(bytes, document.get("done_reason")) || undefined;
  return {
    tokens: tokensOf(number("prompt_eval_count"), number("eval_count"), stopReason),
    model: readString(bytes, document.get("model")) || undefined,
    stopReason,
    failure: errorType(readValue(bytes, document.get("error"))),
    done: readBoolean(bytes, document.get("done")),
  };
}

/**
 * Counters of zero are left out. Older engines leave the prompt's out too where they had it in memory, and so say too
 * little to go by; a model that was only loaded or unloaded has used nothing.
 */
export function tokensOf(
  input: number | undefined,
  output: number | undefined,
  stopReason: string | undefined,
): TokenUsage | undefined {
  if (input !== undefined) return { ...noTokens, input, output: output ?? 0 };
  return stopReason === "load" || stopReason === "unload" ? noTokens : undefined;
}

/** The end of every line but the last, as the engine writes it. */
const goesOn = Buffer.from('"done":false}');

/**
 * Watches a stream of lines, each a JSON document. Lines that go on are only measured; the last, with `done: true`, states
 * the usage, and one with an `error` ends a reply that failed. The first is read for the model's name.
 */
export function createStreamReader(): UsageReader {
  let said: Said = { ...nothingSaid, tokens: undefined, done: undefined };
  let outputBytes = 0;

  const options = { limitBytes: heldBytes, keepBytes: keptBytes, carriageReturns: true };
  const lines = createLineReader(options, (bytes, start, end, cut) => {
    outputBytes += cut ? end - start : contentBytes(bytes, start, end);
    if (said.model !== undefined && startsWith(bytes, end - goesOn.length, goesOn)) return;
    const document = cut ? undefined : scanReply(bytes, documentKeys, { start, end });
    if (document !== undefined) said = merge(said, readDocument(bytes, document));
    else if (cut) said = merge(said, readTail(bytes.subarray(start, end)));
  });

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      const { done, ...reading } = said;
      return { ...reading, complete: done === true, outputBytes, announced: undefined };
    },
  };
}

function merge(earlier: Said, later: Said): Said {
  return {
    tokens: later.tokens ?? earlier.tokens,
    model: later.model ?? earlier.model,
    stopReason: later.stopReason ?? earlier.stopReason,
    failure: later.failure ?? earlier.failure,
    done: later.done ?? earlier.done,
  };
}

/** Of a document too large to hold: the counters stand at its end, behind all text. In a JSON string their quotes would be escaped. */
function readTail(tail: Buffer): Said {
  const text = tail.toString("latin1");
  const number = (key: string): number | undefined => {
    const digits = new RegExp(`[^\\\\]"${key}" ?: ?(\\d+)`).exec(text)?.[1];
    return digits === undefined ? undefined : counter(Number(digits));
  };
  const tokens = tokensOf(number("prompt_eval_count"), number("eval_count"), undefined);
  return { ...nothingSaid, tokens, done: /[^\\]"done" ?: ?true/.test(text) };
}

/** For a reply that is one document. */
export function createReplyReader(): UsageReader {
  return createGatheringReader((bytes, cut) => (cut ? readCutBody(bytes) : readBody(bytes)));
}

function readBody(bytes: Buffer): UsageReading {
  const document = scanReply(bytes, documentKeys);
  const { done, ...reading } =
    document === undefined ? { ...nothingSaid, tokens: undefined, done: false } : readDocument(bytes, document);
  const outputBytes = reading.tokens === undefined ? contentBytes(bytes, 0, bytes.length) : 0;
  return { ...reading, complete: done !== false, outputBytes, announced: undefined };
}

function readCutBody(tail: Buffer): UsageReading {
  const { done: _, ...reading } = readTail(tail);
  const outputBytes = reading.tokens === undefined ? tail.length : 0;
  const complete = /\}\s*$/.test(tail.toString("latin1", Math.max(0, tail.length - 16)));
  return { ...reading, complete, outputBytes, announced: undefined };
}
