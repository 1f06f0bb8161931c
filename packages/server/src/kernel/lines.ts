import { AppError } from "./errors.ts";
import { createTailBuffer } from "./tail-buffer.ts";

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Receives one line, without its end: the bytes from `start` to `end`. They stay as they are after the call. If
 * `cut`, the line was longer than the limit and only its last part is here.
 */
export type OnLine = (bytes: Buffer, start: number, end: number, cut: boolean) => void;

export interface LineOptions {
  /** A line that spans several chunks is held up to this size; of a longer one, at least the last `keepBytes` are. */
  readonly limitBytes: number;
  readonly keepBytes: number;
  /** Whether a carriage return ends a line too, alone or before a line feed, as in server-sent events. */
  readonly carriageReturns: boolean;
}

export interface LineReader {
  /** Reports every line that ends in this chunk. The chunk must not change afterwards. */
  push(chunk: Buffer): void;
  /** Reports what came behind the last line end, if anything did. */
  end(): void;
  /** Whether the line that is being read has passed the limit. */
  isCut(): boolean;
}

/**
 * Finds lines in bytes that come in chunks of any size, without decoding them. A line within one chunk is
 * reported where it lies; one that spans chunks is put together first. A byte-order mark at the very start is
 * left out.
 */
export function createLineReader(options: LineOptions, onLine: OnLine): LineReader {
  const held = createTailBuffer(options.limitBytes, options.keepBytes);
  let behindReturn = false; // the last byte was a carriage return, so a line feed now belongs to it
  let atStart = true;

  function report(bytes: Buffer, start: number, end: number, cut: boolean): void {
    const marked = atStart && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf;
    atStart = false;
    onLine(bytes, marked ? start + 3 : start, end, cut);
  }

  function reportHeld(): void {
    const cut = held.isCut();
    const bytes = held.take();
    report(bytes, 0, bytes.length, cut);
  }

  /** The next position at or behind `from`; what was found before is kept as long as it still lies ahead. */
  function ahead(chunk: Buffer, byte: number, from: number, found: number): number {
    if (found >= from) return found;
    const at = chunk[from] === byte ? from : chunk.indexOf(byte, from);
    return at < 0 ? chunk.length : at;
  }

  return {
    push(chunk) {
      let start = behindReturn && chunk[0] === lineFeed ? 1 : 0;
      if (chunk.length > 0) behindReturn = false;
      let feed = -1;
      let back = options.carriageReturns ? -1 : chunk.length;
      while (start < chunk.length) {
        feed = ahead(chunk, lineFeed, start, feed);
        back = ahead(chunk, carriageReturn, start, back);
        const end = feed < back ? feed : back;
        if (end === chunk.length) break;
        if (held.length() === 0) {
          report(chunk, start, end, false);
        } else {
          held.append(chunk, start, end);
          reportHeld();
        }
        start = end + 1;
        if (end === back) {
          if (start === chunk.length) behindReturn = true;
          if (chunk[start] === lineFeed) start++;
        }
      }
      held.append(chunk, start, chunk.length);
    },
    end() {
      if (held.length() > 0) reportHeld();
    },
    isCut: () => held.isCut(),
  };
}

/**
 * Reads newline-delimited JSON: one document a line, blank lines between them ignored, a last line without an end
 * accepted.
 */
export function createNdjsonReader(maxLineBytes: number): { push(chunk: Buffer): Buffer[]; end(): Buffer[] } {
  let ready: Buffer[] = [];
  const tooLarge = () => new AppError("event_too_large", { limit: maxLineBytes });
  const options = { limitBytes: maxLineBytes, keepBytes: 0, carriageReturns: false };
  const lines = createLineReader(options, (bytes, start, end, cut) => {
    if (cut || end - start > maxLineBytes) throw tooLarge();
    const line = bytes.subarray(start, end);
    if (line.some((byte) => byte > 0x20)) ready.push(line);
  });
  function taken(): Buffer[] {
    const lot = ready;
    ready = [];
    return lot;
  }
  return {
    /** @throws AppError `event_too_large`; the reader is of no use afterwards. */
    push(chunk) {
      lines.push(chunk);
      if (lines.isCut()) throw tooLarge();
      return taken();
    },
    end() {
      lines.end();
      return taken();
    },
  };
}
