import { AppError } from "./errors.ts";
import { createLineReader } from "./lines.ts";

/** An event of a stream, as https://html.spec.whatwg.org/multipage/server-sent-events.html defines it. */
export interface ServerEvent {
  /** `message` if the stream gives none. */
  readonly name: string;
  /** The `data` lines, joined by line feeds. */
  readonly data: string;
}

export interface SseReader {
  /**
   * The events that are complete with this chunk. The chunk must not change afterwards.
   *
   * @throws AppError `event_too_large`; the reader is of no use afterwards.
   */
  push(chunk: Buffer): ServerEvent[];
  /** The event that lacks only its blank line, if there is one: several providers end their streams so. */
  end(): ServerEvent[];
}

const colon = 0x3a;
const space = 0x20;
const dataField = Buffer.from("data");
const eventField = Buffer.from("event");

/**
 * The offset of the value if the line from `start` to `end` is a `data` field, else -1. A single space behind the
 * colon is not part of the value.
 */
export function dataStart(bytes: Buffer, start: number, end: number): number {
  return fieldStart(bytes, start, end, dataField);
}

function fieldStart(bytes: Buffer, start: number, end: number, name: Buffer): number {
  const behind = start + name.length;
  if (behind > end) return -1;
  for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return -1;
  if (behind === end) return end;
  if (bytes[behind] !== colon) return -1;
  return behind + 1 < end && bytes[behind + 1] === space ? behind + 2 : behind + 1;
}

/**
 * Reads server-sent events from bytes that come in chunks of any size. Comments, `id` and `retry` mean nothing to
 * these dialects and are passed over. Memory is bounded by `maxEventBytes`, the sum of an event's lines.
 */
export function createSseReader(maxEventBytes: number): SseReader {
  let ready: ServerEvent[] = [];
  let name = "";
  let data: string[] = [];
  let sizeBytes = 0;
  const options = { limitBytes: maxEventBytes, keepBytes: 0, carriageReturns: true };
  const tooLarge = () => new AppError("event_too_large", { limit: maxEventBytes });

  const lines = createLineReader(options, (bytes, start, end, cut) => {
    if (cut || end - start > maxEventBytes) throw tooLarge();
    if (start === end) return dispatch();
    const dataAt = dataStart(bytes, start, end);
    const nameAt = dataAt < 0 ? fieldStart(bytes, start, end, eventField) : -1;
    if (dataAt < 0 && nameAt < 0) return;
    sizeBytes += end - start;
    if (sizeBytes > maxEventBytes) throw tooLarge();
    if (dataAt >= 0) data.push(bytes.toString("utf8", dataAt, end));
    if (nameAt >= 0) name = bytes.toString("utf8", nameAt, end);
  });

  /** An event without data is none. */
  function dispatch(): void {
    if (data.length > 0) ready.push({ name: name === "" ? "message" : name, data: data.join("\n") });
    name = "";
    data = [];
    sizeBytes = 0;
  }

  function taken(): ServerEvent[] {
    const lot = ready;
    ready = [];
    return lot;
  }

  return {
    push(chunk) {
      lines.push(chunk);
      if (lines.isCut()) throw tooLarge();
      return taken();
    },
    end() {
      lines.end();
      dispatch();
      return taken();
    },
  };
}
