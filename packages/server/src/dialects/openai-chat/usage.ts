import { readString, readValue, type ScannedObject, watchFirst, watchKeys } from "../../kernel/json-scan.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import { createDeltaMeter, startsWith } from "../content-bytes.ts";
import { errorType, field, text } from "../counter.ts";
import type { UsageReader, UsageReading } from "../dialect.ts";
import { openaiTokens, type UsageNames } from "../openai-tokens.ts";
import { type BodyShape, createBodyReader } from "../reply-body.ts";
import { createDataReader, scanReply } from "../stream-data.ts";

const names: UsageNames = {
  input: "prompt_tokens",
  inputDetails: "prompt_tokens_details",
  output: "completion_tokens",
  outputDetails: "completion_tokens_details",
};

const doneMark = Buffer.from("[DONE]");
const chunkKeys = watchFirst(
  "choices",
  watchKeys("finish_reason"),
  watchKeys("model", "choices", "usage", "error", "x_groq"),
);

type Described = Pick<UsageReading, "model" | "stopReason" | "failure">;
type Said = Described & Pick<UsageReading, "tokens">;

/** What one chunk says of itself, or a whole body, which has the same keys. */
function describe(bytes: Buffer, chunk: ScannedObject): Described {
  const groq = readValue(bytes, chunk.get("x_groq"));
  return {
    model: readString(bytes, chunk.get("model")) || undefined,
    stopReason: readString(bytes, chunk.get("choices.finish_reason")) || undefined,
    failure: errorType(readValue(bytes, chunk.get("error")), "type", "code") ?? text(groq, "error"),
  };
}

function readChunk(bytes: Buffer, chunk: ScannedObject): Said {
  const stated = chatTokens(readValue(bytes, chunk.get("usage")));
  const tokens = stated ?? chatTokens(field(readValue(bytes, chunk.get("x_groq")), "usage"));
  return { ...describe(bytes, chunk), tokens };
}

/** What a `usage` object of this dialect counts. */
export function chatTokens(usage: unknown): TokenUsage | undefined {
  return openaiTokens(usage, names);
}

/**
 * Watches a stream. A chunk that carries text is only measured: what a reply says of itself stands in chunks without
 * text (the first, the one with the finish reason, the one with the usage, an error), which are read. Servers that put
 * it beside text do so in every chunk or in the last, so the last chunk with text is kept, and read at the end.
 *
 * `[DONE]` ends a reply, and so does a finish reason: several servers leave the mark out.
 */
export function createStreamReader(): UsageReader {
  return createChunkReader("delta");
}

/** The same, where the generated text of a chunk stands under this key. */
export function createChunkReader(textKey: string): UsageReader {
  const measure = createDeltaMeter(textKey);
  let outputBytes = 0;
  let done = false;
  let said: Said = { tokens: undefined, model: undefined, stopReason: undefined, failure: undefined };
  let lastText: { readonly bytes: Buffer; readonly start: number; readonly end: number } | undefined;

  const lines = createDataReader((bytes, start, end, cut) => {
    const measured = cut ? end - start : measure(bytes, start, end);
    outputBytes += measured;
    if (cut) return;
    if (measured > 0) {
      lastText = { bytes, start, end };
    } else if (startsWith(bytes, start, doneMark)) {
      done = true;
    } else {
      const chunk = scanReply(bytes, chunkKeys, { start, end });
      if (chunk !== undefined) said = merge(said, readChunk(bytes, chunk));
    }
  });

  function readLastText(): void {
    if (lastText === undefined) return;
    const chunk = scanReply(lastText.bytes, chunkKeys, lastText);
    if (chunk !== undefined) said = merge(readChunk(lastText.bytes, chunk), said);
    lastText = undefined;
  }

  return {
    push: (chunk) => lines.push(chunk),
    end() {
      lines.end();
      readLastText();
      return { ...said, complete: done || said.stopReason !== undefined, outputBytes, announced: undefined };
    },
  };
}

function merge(earlier: Said, later: Said): Said {
  return {
    tokens: later.tokens ?? earlier.tokens,
    model: later.model ?? earlier.model,
    stopReason: later.stopReason ?? earlier.stopReason,
    failure: later.failure ?? earlier.failure,
  };
}

const bodyShape: BodyShape = { watched: chunkKeys, tokens: chatTokens, describe };

export function createReplyReader(): UsageReader {
  return createBodyReader(bodyShape);
}
