import { AppError } from "../kernel/errors.ts";
import {
  readString,
  replyRules,
  scanObject,
  type ScannedObject,
  type Span,
  watchKeys,
  type WatchedKeys,
} from "../kernel/json-scan.ts";
import { createLineReader, type LineReader, type OnLine } from "../kernel/lines.ts";
import { dataStart } from "../kernel/sse.ts";
import { startsWith } from "./content-bytes.ts";

/** An event split over chunks is held up to this size. The largest that matter, a Responses stream's last, seldom reach 1 MB. */
export const heldBytes = 4 * 1024 * 1024;
/** What is kept of larger ones: usage comes last in them. */
export const keptBytes = 64 * 1024;

/**
 * Reports the `data` lines of a stream of server-sent events. Each is taken for an event of its own: no provider
 * spreads one event's JSON over several lines. Event names are not needed; the data says what it is.
 */
export function createDataReader(onData: OnLine): LineReader {
  const options = { limitBytes: heldBytes, keepBytes: keptBytes, carriageReturns: true };
  return createLineReader(options, (bytes, start, end, cut) => {
    const from = cut ? start : dataStart(bytes, start, end);
    if (from >= 0) onData(bytes, from, end, cut);
  });
}

/** Scans what a provider sent; undefined if it is not a JSON object. */
export function scanReply(bytes: Buffer, watched: WatchedKeys, within?: Span): ScannedObject | undefined {
  try {
    return scanObject(bytes, watched, replyRules, within);
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

const typePrefix = Buffer.from('{"type":"');
const typeKey = watchKeys("type");

/** Where the text of an event's `type` begins, or -1. Providers write it first; where proxies reorder keys, it is looked for. */
export function typeStart(bytes: Buffer, start: number, end: number): number {
  if (startsWith(bytes, start, typePrefix)) return start + typePrefix.length;
  const span = scanReply(bytes, typeKey, { start, end })?.get("type");
  return span === undefined || readString(bytes, span) === undefined ? -1 : span.start + 1;
}
