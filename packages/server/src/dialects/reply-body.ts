import { readValue, type ScannedObject, valueAt, type WatchedKeys } from "../kernel/json-scan.ts";
import { createTailBuffer } from "../kernel/tail-buffer.ts";
import type { TokenUsage } from "../kernel/tokens.ts";
import { contentBytes } from "./content-bytes.ts";
import type { UsageReader, UsageReading } from "./dialect.ts";
import { heldBytes, keptBytes, scanReply } from "./stream-data.ts";

/** How a dialect writes a reply that is one JSON document. */
export interface BodyShape {
  /** The top-level keys that `describe` needs, and `usage`. */
  readonly watched: WatchedKeys;
  tokens(usage: unknown): TokenUsage | undefined;
  describe(bytes: Buffer, scanned: ScannedObject): Pick<UsageReading, "model" | "stopReason" | "failure">;
}

/** Reads the usage out of a body once it is complete. Of a body too large to hold, only the usage near its end is read. */
export function createBodyReader(shape: BodyShape): UsageReader {
  const held = createTailBuffer(heldBytes, keptBytes);
  let only: Buffer | undefined; // most bodies come in one chunk, which needs no copy
  let chunks = 0;
  let reading: UsageReading | undefined;
  return {
    push(chunk) {
      if (++chunks === 1) {
        only = chunk;
        return;
      }
      if (only !== undefined) held.append(only, 0, only.length);
      only = undefined;
      held.append(chunk, 0, chunk.length);
    },
    end() {
      if (reading !== undefined) return reading;
      const cut = held.isCut();
      const bytes = only ?? held.take();
      only = undefined;
      reading = cut ? readTail(bytes, shape) : readWhole(bytes, shape);
      return reading;
    },
  };
}

function readWhole(bytes: Buffer, shape: BodyShape): UsageReading {
  const scanned = scanReply(bytes, shape.watched);
  const tokens = scanned === undefined ? undefined : shape.tokens(readValue(bytes, scanned.get("usage")));
  const said = scanned === undefined ? nothingSaid : shape.describe(bytes, scanned);
  const outputBytes = tokens === undefined ? contentBytes(bytes, 0, bytes.length) : 0;
  return { ...said, tokens, complete: scanned !== undefined, outputBytes, announced: undefined };
}

function readTail(bytes: Buffer, shape: BodyShape): UsageReading {
  const tokens = shape.tokens(usageInTail(bytes));
  const outputBytes = tokens === undefined ? bytes.length : 0;
  const complete = /\}\s*$/.test(bytes.toString("latin1", Math.max(0, bytes.length - 16)));
  return { ...nothingSaid, tokens, complete, outputBytes, announced: undefined };
}

export const nothingSaid = { model: undefined, stopReason: undefined, failure: undefined };

const usageKey = Buffer.from('"usage"');

/**
 * The last `usage` in the last part of a document. Text cannot pass for it: inside a JSON string its quotes would
 * be escaped.
 */
export function usageInTail(bytes: Buffer): unknown {
  const at = bytes.lastIndexOf(usageKey);
  const colon = at < 0 ? -1 : bytes.indexOf(":", at);
  return colon < 0 ? undefined : readValue(bytes, valueAt(bytes, colon + 1));
}
