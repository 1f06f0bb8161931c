import { readValue, type ScannedObject, valueAt, type WatchedKeys } from "../kernel/json-scan.ts";
import { createTailBuffer, type TailBuffer } from "../kernel/tail-buffer.ts";
import type { TokenUsage } from "../kernel/tokens.ts";
import { contentBytes } from "./content-bytes.ts";
import type { UsageReader, UsageReading } from "./dialect.ts";
import { heldBytes, keptBytes, scanReply } from "./stream-data.ts";

/** How a dialect writes a reply that is one JSON document. */
export interface BodyShape {
  /** The top-level keys that `describe` needs, and the one of the usage. */
  readonly watched: WatchedKeys;
  /** The top-level key of the usage, `usage` if not given. */
  readonly usageKey?: string;
  tokens(usage: unknown): TokenUsage | undefined;
  describe(bytes: Buffer, scanned: ScannedObject): Described;
}

type Described = Pick<UsageReading, "model" | "stopReason" | "failure" | "responseId">;

/** Reads the usage out of a body once it is complete. Of a body too large to hold, only the usage near its end is read. */
export function createBodyReader(shape: BodyShape): UsageReader {
  return createGatheringReader((bytes, cut) => (cut ? readTail(bytes, shape) : readWhole(bytes, shape)));
}

/** Gathers a body and has it read once it is complete; of one too large to hold, only the last part, which is then `cut`. */
export function createGatheringReader(read: (bytes: Buffer, cut: boolean) => UsageReading): UsageReader {
  let only: Buffer | undefined; // most bodies come in one chunk, which needs no copy
  let held: TailBuffer | undefined;
  let reading: UsageReading | undefined;
  return {
    push(chunk) {
      if (only === undefined && held === undefined) {
        only = chunk;
        return;
      }
      held ??= createTailBuffer(heldBytes, keptBytes);
      if (only !== undefined) held.append(only, 0, only.length);
      only = undefined;
      held.append(chunk, 0, chunk.length);
    },
    end() {
      if (reading !== undefined) return reading;
      const cut = held?.isCut() === true;
      const bytes = only ?? held?.take() ?? nothing;
      only = undefined;
      reading = read(bytes, cut);
      return reading;
    },
  };
}

const nothing: Buffer = Buffer.alloc(0);

function readWhole(bytes: Buffer, shape: BodyShape): UsageReading {
  const scanned = scanReply(bytes, shape.watched);
  const tokens =
    scanned === undefined ? undefined : shape.tokens(readValue(bytes, scanned.get(shape.usageKey ?? "usage")));
  const { model, stopReason, failure, responseId }: Described =
    scanned === undefined ? nothingSaid : shape.describe(bytes, scanned);
  const outputBytes = tokens === undefined ? contentBytes(bytes, 0, bytes.length) : 0;
  const complete = scanned !== undefined;
  return { tokens, model, stopReason, failure, responseId, complete, outputBytes, announced: undefined };
}

function readTail(bytes: Buffer, shape: BodyShape): UsageReading {
  const tokens = shape.tokens(usageInTail(bytes, shape.usageKey));
  const outputBytes = tokens === undefined ? bytes.length : 0;
  return { ...nothingSaid, tokens, complete: isClosed(bytes), outputBytes, announced: undefined };
}

/** Whether the last part of a document ends as an object does. */
export function isClosed(tail: Buffer): boolean {
  return /\}\s*$/.test(tail.toString("latin1", Math.max(0, tail.length - 16)));
}

export const nothingSaid = { model: undefined, stopReason: undefined, failure: undefined };

/**
 * The last value of a key, `usage` if not given, in the last part of a document. Text cannot pass for it: inside a JSON
 * string its quotes would be escaped.
 */
export function usageInTail(bytes: Buffer, key = "usage"): unknown {
  const at = bytes.lastIndexOf(`"${key}"`);
  const colon = at < 0 ? -1 : bytes.indexOf(":", at);
  return colon < 0 ? undefined : readValue(bytes, valueAt(bytes, colon + 1));
}
