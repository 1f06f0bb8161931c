import { ascii } from "../../kernel/json-token.ts";
import type { LineReader, OnLine } from "../../kernel/lines.ts";
import { createTailBuffer } from "../../kernel/tail-buffer.ts";

export interface ElementReader extends Pick<LineReader, "push"> {
  /** Whether the array's closing bracket was seen. */
  isClosed(): boolean;
}

export interface ElementOptions {
  /** An element that spans several chunks is held up to this size; of a larger one, at least the last `keepBytes` are. */
  readonly limitBytes: number;
  readonly keepBytes: number;
}

/**
 * Finds the elements of a JSON array that comes in chunks of any size: objects and arrays, each reported from its first
 * to its last bracket, as lines are by a `LineReader`. Nothing is decoded or checked; of what is no such array, anything
 * or nothing may be reported.
 */
export function createElementReader(options: ElementOptions, onElement: OnLine): ElementReader {
  const held = createTailBuffer(options.limitBytes, options.keepBytes);
  let isOpen = false; // the array's own bracket was seen
  let isClosed = false;
  let depth = 0; // within the element; 0 between elements
  let inString = false;
  let escaped = false;

  function report(chunk: Buffer, start: number, end: number): void {
    if (held.length() === 0) return onElement(chunk, start, end, false);
    held.append(chunk, start, end);
    const cut = held.isCut();
    const bytes = held.take();
    onElement(bytes, 0, bytes.length, cut);
  }

  /** What a byte outside strings does to the depth. */
  function nest(byte: number): void {
    if (byte === ascii.openBrace || byte === ascii.openBracket) {
      if (isOpen || byte === ascii.openBrace) depth++;
      else isOpen = true;
    } else if (depth > 0) {
      depth--;
    } else if (byte === ascii.closeBracket) {
      isClosed = true;
    }
  }

  return {
    push(chunk) {
      let start = 0;
      for (let at = 0; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === ascii.backslash) escaped = true;
          else if (byte === ascii.quote) inString = false;
        } else if (byte === ascii.quote) {
          inString = true;
        } else if (isBracket(byte)) {
          const before = depth;
          nest(byte);
          if (before === 0) start = at;
          else if (depth === 0) report(chunk, start, at + 1);
        }
      }
      if (depth > 0) held.append(chunk, start, chunk.length);
    },
    isClosed: () => isClosed,
  };
}

function isBracket(byte: number): boolean {
  return (
    byte === ascii.openBrace || byte === ascii.closeBrace || byte === ascii.openBracket || byte === ascii.closeBracket
  );
}
