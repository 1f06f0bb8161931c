import { readValue, type Span, watchKeys } from "../../kernel/json-scan.ts";
import { ascii } from "../../kernel/json-token.ts";
import { dataStart } from "../../kernel/sse.ts";
import { createDeltaFinder } from "../content-bytes.ts";
import { counter } from "../counter.ts";
import type { StreamFilter } from "../dialect.ts";
import { scanReply } from "../stream-data.ts";

/** No usage chunk is as large; an event that is, goes on unread. */
const usageChunkBytes = 64 * 1024;

/**
 * Takes the usage chunk out of a stream whose caller did not ask for it: the event whose data has no choices and
 * states a usage. Every other byte goes on unchanged.
 *
 * States: *between* – nothing is held. *waiting* – the event under way may yet turn out to be the usage chunk, and is
 * held from its first byte. *passing* – the event under way is another and goes on as it comes; of it only line ends
 * are held, since the next byte tells whether they end the event.
 *
 * What leads from waiting to passing: a `delta`, which usage chunks do not have, or a size they do not reach. A blank
 * line ends the event in either state.
 */
export function createUsageChunkFilter(): StreamFilter {
  const findDelta = createDeltaFinder();
  let held: Buffer = Buffer.alloc(0);
  let passing = false;

  function isUsageChunk(bytes: Buffer, start: number, end: number): boolean {
    if (findDelta(bytes, start, end) >= 0) return false;
    const data = onlyData(bytes, start, end);
    return data !== undefined && statesUsageAlone(bytes, data);
  }

  return {
    push(chunk) {
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const eventEnd = bytes.includes(ascii.carriageReturn) ? eventEndOfAnyKind : eventEndByFeeds;
      const parts: Buffer[] = [];
      let from = 0; // what lies before was passed on or taken out
      let at = 0; // where the event under way begins, or goes on
      for (let next = eventEnd(bytes, at, passing); next >= 0; next = eventEnd(bytes, at, false)) {
        if (!passing && isUsageChunk(bytes, at, next)) {
          parts.push(bytes.subarray(from, at));
          from = next;
        }
        passing = false;
        at = next;
      }
      passing ||= bytes.length - at > usageChunkBytes || findDelta(bytes, at, bytes.length) >= 0;
      const holdFrom = passing ? lineEndsFrom(bytes, at) : at;
      held = bytes.subarray(holdFrom);
      parts.push(bytes.subarray(from, holdFrom));
      return parts.length === 1 ? parts[0] : Buffer.concat(parts);
    },
    end() {
      return !passing && isUsageChunk(held, 0, held.length) ? undefined : held;
    },
  };
}

/** The offset behind the blank line that ends the event at `from`, or -1 if it has not come. */
function eventEndByFeeds(bytes: Buffer, from: number, midLine: boolean): number {
  let blank = !midLine;
  for (let at = from; ; ) {
    const feed = bytes[at] === ascii.lineFeed ? at : bytes.indexOf(ascii.lineFeed, at);
    if (feed < 0) return -1;
    if (blank && feed === at) return at + 1;
    blank = true;
    at = feed + 1;
  }
}

/**
 * The same where carriage returns may end lines too. After one at the very end, the line feed that may belong to it is
 * waited for.
 */
function eventEndOfAnyKind(bytes: Buffer, from: number, midLine: boolean): number {
  let blank = !midLine;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte !== ascii.lineFeed && byte !== ascii.carriageReturn) {
      blank = false;
      continue;
    }
    if (byte === ascii.carriageReturn) {
      if (at + 1 === bytes.length) return -1;
      if (bytes[at + 1] === ascii.lineFeed) at++;
    }
    if (blank) return at + 1;
    blank = true;
  }
  return -1;
}

/** Where the line ends at the very end of the bytes begin. */
function lineEndsFrom(bytes: Buffer, from: number): number {
  let at = bytes.length;
  while (at > from && (bytes[at - 1] === ascii.lineFeed || bytes[at - 1] === ascii.carriageReturn)) at--;
  return at;
}

/** The data of an event that has just one line of it. */
function onlyData(bytes: Buffer, start: number, end: number): Span | undefined {
  let found: Span | undefined;
  let lineStart = start;
  for (let at = start; at <= end; at++) {
    if (at < end && bytes[at] !== ascii.lineFeed && bytes[at] !== ascii.carriageReturn) continue;
    const dataAt = dataStart(bytes, lineStart, at);
    if (dataAt >= 0 && found !== undefined) return undefined;
    if (dataAt >= 0) found = { start: dataAt, end: at };
    lineStart = at + 1;
  }
  return found;
}

const chunkKeys = watchKeys("choices", "usage");

function statesUsageAlone(bytes: Buffer, data: Span): boolean {
  const chunk = scanReply(bytes, chunkKeys, data);
  if (counter(readValue(bytes, chunk?.get("usage")), "prompt_tokens") === undefined) return false;
  const choices = readValue(bytes, chunk?.get("choices"));
  return Array.isArray(choices) && choices.length === 0;
}
