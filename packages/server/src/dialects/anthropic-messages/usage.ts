import { readString, readValue, watchKeys } from "../../kernel/json-scan.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import { createDeltaMeter, startsWith } from "../content-bytes.ts";
import { counter, errorType, field, text } from "../counter.ts";
import type { UsageReader } from "../dialect.ts";
import { type BodyShape, createBodyReader } from "../reply-body.ts";
import { createDataReader, scanReply, typeStart } from "../stream-data.ts";

/** The counters of a `usage` object, as Anthropic writes them; 0 where it says nothing. */
interface Counts {
  input: number;
  output: number;
  cacheRead: number;
  /** Written to caches of either life. */
  cacheWrite: number;
  cacheWrite1h: number;
  reasoning: number;
}

function readCounts(usage: unknown): Counts | undefined {
  const input = counter(usage, "input_tokens");
  const output = counter(usage, "output_tokens");
  if (input === undefined && output === undefined) return undefined;
  const fiveMinutes = counter(usage, "cache_creation", "ephemeral_5m_input_tokens") ?? 0;
  const cacheWrite1h = counter(usage, "cache_creation", "ephemeral_1h_input_tokens") ?? 0;
  return {
    input: input ?? 0,
    output: output ?? 0,
    cacheRead: counter(usage, "cache_read_input_tokens") ?? 0,
    cacheWrite: counter(usage, "cache_creation_input_tokens") ?? fiveMinutes + cacheWrite1h,
    cacheWrite1h,
    reasoning: counter(usage, "output_tokens_details", "thinking_tokens") ?? 0,
  };
}

const countNames = ["input", "output", "cacheRead", "cacheWrite", "cacheWrite1h", "reasoning"] as const;

/**
 * Puts together what the usage objects of one reply say. They are cumulative, so a counter given again replaces the
 * one before, but never with a zero: some servers send zeros for what they stated already. What compacting the
 * context cost is not in the counters but listed under `iterations`, and is added.
 */
export function createTally(): { add(usage: unknown): void; tokens(): TokenUsage | undefined } {
  let counts: Counts | undefined;
  let compaction: readonly Counts[] = [];
  return {
    add(usage) {
      const stated = readCounts(usage);
      if (stated === undefined) return;
      counts ??= { ...stated };
      for (const name of countNames) if (stated[name] > 0) counts[name] = stated[name];
      const iterations = field(usage, "iterations");
      if (!Array.isArray(iterations)) return;
      const compacted = iterations.filter((entry: unknown) => field(entry, "type") === "compaction");
      compaction = compacted.map(readCounts).filter((entry) => entry !== undefined);
    },
    tokens() {
      if (counts === undefined) return undefined;
      const sums = { ...counts };
      for (const entry of compaction) for (const name of countNames) sums[name] += entry[name];
      return { ...sums, cacheWrite: Math.max(0, sums.cacheWrite - sums.cacheWrite1h) };
    },
  };
}

const blockDelta = Buffer.from('content_block_delta"');
const messageStart = Buffer.from('message_start"');
const messageDelta = Buffer.from('message_delta"');
const messageStop = Buffer.from('message_stop"');
const errorEvent = Buffer.from('error"');
const eventKeys = watchKeys("message", "usage", "delta", "error");

/**
 * Watches a stream. Of the hundreds of `content_block_delta` events only the length of the text is taken; the few
 * that carry usage are read: `message_start` (input), `message_delta` (output, and input again), `error`.
 */
export function createStreamReader(): UsageReader {
  const tally = createTally();
  const measure = createDeltaMeter();
  let outputBytes = 0;
  let complete = false;
  let model: string | undefined;
  let stopReason: string | undefined;
  let failure: string | undefined;

  function readEvent(bytes: Buffer, start: number, end: number): void {
    const event = scanReply(bytes, eventKeys, { start, end });
    if (event === undefined) return;
    const message = readValue(bytes, event.get("message"));
    model = text(message, "model") ?? model;
    tally.add(field(message, "usage"));
    tally.add(readValue(bytes, event.get("usage")));
    stopReason =
      text(readValue(bytes, event.get("delta")), "stop_reason") ?? text(message, "stop_reason") ?? stopReason;
    failure = errorType(readValue(bytes, event.get("error")), "type") ?? failure;
  }

  const lines = createDataReader((bytes, start, end, cut) => {
    if (cut) return; // only a content block can be as large
    const type = typeStart(bytes, start, end);
    if (type < 0) return;
    if (startsWith(bytes, type, blockDelta)) outputBytes += measure(bytes, start, end);
    else if (startsWith(bytes, type, messageStop)) complete = true;
    else if (
      startsWith(bytes, type, messageStart) ||
      startsWith(bytes, type, messageDelta) ||
      startsWith(bytes, type, errorEvent)
    ) {
      readEvent(bytes, start, end);
    }
  });

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      return { tokens: tally.tokens(), model, stopReason, complete, outputBytes, failure, announced: undefined };
    },
  };
}

const bodyShape: BodyShape = {
  watched: watchKeys("model", "stop_reason", "usage", "error"),
  tokens(usage) {
    const tally = createTally();
    tally.add(usage);
    return tally.tokens();
  },
  describe(bytes, scanned) {
    return {
      model: readString(bytes, scanned.get("model")),
      stopReason: readString(bytes, scanned.get("stop_reason")),
      failure: errorType(readValue(bytes, scanned.get("error")), "type"),
    };
  },
};

export function createReplyReader(): UsageReader {
  return createBodyReader(bodyShape);
}
