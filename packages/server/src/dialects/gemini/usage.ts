import { readString, readValue, type ScannedObject, type Span, watchFirst, watchKeys } from "../../kernel/json-scan.ts";
import type { OnLine } from "../../kernel/lines.ts";
import { createDeltaMeter } from "../content-bytes.ts";
import { errorType, text } from "../counter.ts";
import type { StreamFraming, UsageReader, UsageReading } from "../dialect.ts";
import { createBodyReader, nothingSaid, usageInTail } from "../reply-body.ts";
import { createDataReader, heldBytes, keptBytes, scanReply } from "../stream-data.ts";
import { createElementReader } from "./elements.ts";
import { geminiTokens } from "./tokens.ts";

const replyKeys = watchFirst(
  "candidates",
  watchKeys("finishReason"),
  watchKeys("candidates", "promptFeedback", "usageMetadata", "modelVersion", "error"),
);

type Described = Pick<UsageReading, "model" | "stopReason" | "failure">;
type Said = Described & Pick<UsageReading, "tokens">;

/** What a chunk says of itself, or a whole body, which has the same keys. */
function describe(bytes: Buffer, reply: ScannedObject): Described {
  const blockReason = text(readValue(bytes, reply.get("promptFeedback")), "blockReason");
  return {
    model: readString(bytes, reply.get("modelVersion")) || undefined,
    stopReason: readString(bytes, reply.get("candidates.finishReason")) || blockReason,
    failure: errorType(readValue(bytes, reply.get("error")), "status", "code"),
  };
}

function readChunk(bytes: Buffer, within: Span): Said | undefined {
  const chunk = scanReply(bytes, replyKeys, within);
  if (chunk === undefined) return undefined;
  return { ...describe(bytes, chunk), tokens: geminiTokens(readValue(bytes, chunk.get("usageMetadata"))) };
}

/** Of a chunk too large to hold, which is one with an image or sound, only the last part is here. */
function readCutChunk(bytes: Buffer, { start, end }: Span): Said {
  const part = bytes.subarray(start, end);
  const [tokens, reason, model] = ["usageMetadata", "finishReason", "modelVersion"].map((key) =>
    usageInTail(part, key),
  );
  return {
    tokens: geminiTokens(tokens),
    stopReason: text(reason),
    model: text(model),
    failure: undefined,
  };
}

function merge(earlier: Said, later: Said | undefined): Said {
  return {
    tokens: later?.tokens ?? earlier.tokens,
    model: later?.model ?? earlier.model,
    stopReason: later?.stopReason ?? earlier.stopReason,
    failure: later?.failure ?? earlier.failure,
  };
}

type Chunk = Span & { readonly bytes: Buffer };

/**
 * Puts together what the chunks of a stream say. Every chunk states what was used so far, so only the last word counts:
 * of chunks with text, which are measured, two are kept, as the last may be cut off, and read when no other follows.
 * Chunks without text (tool calls, images, errors, the end) are few, and read.
 */
function createTally(): { readonly onChunk: OnLine; read(): Said & Pick<UsageReading, "outputBytes"> } {
  const measure = createDeltaMeter("content");
  let outputBytes = 0;
  let said: Said = { ...nothingSaid, tokens: undefined };
  let lastText: Chunk | undefined;
  let textBefore: Chunk | undefined;

  function readTexts(): void {
    for (const chunk of [textBefore, lastText]) {
      if (chunk !== undefined) said = merge(said, readChunk(chunk.bytes, chunk));
    }
    textBefore = undefined;
    lastText = undefined;
  }

  return {
    onChunk(bytes, start, end, cut) {
      const measured = cut ? 0 : measure(bytes, start, end);
      outputBytes += measured;
      if (measured > 0) {
        textBefore = lastText;
        lastText = { bytes, start, end };
        return;
      }
      readTexts();
      said = merge(said, cut ? readCutChunk(bytes, { start, end }) : readChunk(bytes, { start, end }));
    },
    read() {
      readTexts();
      return { ...said, outputBytes };
    },
  };
}

/**
 * Watches a stream. Server-sent events have no end mark: a reply is whole if it says why it ended, or why it did not
 * begin. An array has its closing bracket.
 */
export function createStreamReader(framing: StreamFraming): UsageReader {
  return framing === "json-array" ? createArrayReader() : createEventReader();
}

function createEventReader(): UsageReader {
  const tally = createTally();
  const lines = createDataReader(tally.onChunk);
  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      const said = tally.read();
      return { ...said, complete: said.stopReason !== undefined, announced: undefined };
    },
  };
}

function createArrayReader(): UsageReader {
  const tally = createTally();
  const elements = createElementReader({ limitBytes: heldBytes, keepBytes: keptBytes }, tally.onChunk);
  return {
    push: (chunk) => elements.push(chunk),
    end: () => ({ ...tally.read(), complete: elements.isClosed(), announced: undefined }),
  };
}

export function createReplyReader(): UsageReader {
  return createBodyReader({ watched: replyKeys, usageKey: "usageMetadata", tokens: geminiTokens, describe });
}
