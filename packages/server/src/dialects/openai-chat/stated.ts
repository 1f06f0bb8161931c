import { readValue, watchKeys } from "../../kernel/json-scan.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import { createDeltaMeter, startsWith } from "../content-bytes.ts";
import { errorType, text } from "../counter.ts";
import type { UsageReader, UsageReading } from "../dialect.ts";
import { createGatheringReader, isClosed, nothingSaid, usageInTail } from "../reply-body.ts";
import { createDataReader, scanReply, typeStart } from "../stream-data.ts";

// Readers for the replies that are no chat: what they state is taken, what they hold (vectors, images, sound) is not measured.

/** The value of a top-level key, parsed; of a reply too large to hold, only if it stands near the end. */
export type Member = (key: string) => unknown;

/** For a reply that is one JSON document. `keys` are those that `tokens` may ask for. */
export function createStatedReader(
  keys: readonly string[],
  tokens: (member: Member) => TokenUsage | undefined,
): UsageReader {
  const watched = watchKeys("model", "error", ...keys);
  return createGatheringReader((bytes, cut) => {
    const scanned = cut ? undefined : scanReply(bytes, watched);
    const member: Member = (key) => (cut ? usageInTail(bytes, key) : readValue(bytes, scanned?.get(key)));
    return {
      tokens: tokens(member),
      model: text(member("model")),
      stopReason: undefined,
      failure: errorType(member("error"), "type", "code"),
      complete: cut ? isClosed(bytes) : scanned !== undefined,
      outputBytes: 0,
      announced: undefined,
    };
  });
}

const errorStart = Buffer.from('error"');
const quote = 0x22;

/** How a stream's events are called, and what the last one states. */
export interface EventShape {
  /** What the type of an event that states the usage ends with: `.done`. */
  readonly ending: ".done" | ".completed";
  tokens(usage: unknown): TokenUsage | undefined;
  /** Whether a `delta` holds text that a model wrote, and not sound. */
  readonly deltasAreText: boolean;
}

/**
 * For a stream of events that say what they are: `{"type":"transcript.text.done", …}`. It ends with its last event and has
 * no mark behind it.
 */
export function createEventReader({ ending, tokens, deltasAreText }: EventShape): UsageReader {
  const measure = createDeltaMeter();
  const closing = Buffer.from(`${ending}"`);
  let said: Pick<UsageReading, "tokens" | "failure"> = { tokens: undefined, failure: undefined };
  let complete = false;
  let outputBytes = 0;

  function readLast(usage: unknown): void {
    complete = true;
    said = { ...said, tokens: tokens(usage) ?? said.tokens };
  }

  const lines = createDataReader((bytes, start, end, cut) => {
    if (cut) {
      // Too large to hold, which is one with an image; of those, only the last states a usage.
      const usage = usageInTail(bytes);
      if (usage !== undefined) readLast(usage);
      return;
    }
    const type = typeStart(bytes, start, end);
    if (type >= 0 && endsWith(bytes, type, closing)) return readLast(memberOf(bytes, start, end, "usage"));
    if (type >= 0 && !startsWith(bytes, type, errorStart)) {
      if (deltasAreText) outputBytes += measure(bytes, start, end);
      return;
    }
    said = { ...said, failure: errorType(memberOf(bytes, start, end, "error"), "type", "code") ?? said.failure };
  });

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      return { ...nothingSaid, ...said, complete, outputBytes, announced: undefined };
    },
  };
}

const eventKeys = watchKeys("usage", "error");

function memberOf(bytes: Buffer, start: number, end: number, key: string): unknown {
  return readValue(bytes, scanReply(bytes, eventKeys, { start, end })?.get(key));
}

/** Whether the text that begins at `from` ends so, its closing quote included. */
function endsWith(bytes: Buffer, from: number, ending: Buffer): boolean {
  const close = bytes.indexOf(quote, from);
  return close >= 0 && startsWith(bytes, close + 1 - ending.length, ending);
}

/** A number of seconds, which some servers write as a text, in milliseconds. */
export function milliseconds(seconds: unknown): number | undefined {
  const value = typeof seconds === "string" && seconds !== "" ? Number(seconds) : seconds;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return undefined;
  return Math.min(Math.round(value * 1000), Number.MAX_SAFE_INTEGER);
}

/** A counter that is part of another is never larger. */
export function partOf(whole: number, part: number | undefined): number {
  return Math.min(whole, part ?? 0);
}
