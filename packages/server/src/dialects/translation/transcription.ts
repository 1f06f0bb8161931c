import { bytesOf } from "../../kernel/memory.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import type { UsageReaders } from "../dialect.ts";
import { engineFailure } from "../media/engine-failure.ts";
import type { TranscriptFormat } from "../media/whisper-cpp.ts";
import { createTranscriptionEventReader, createTranscriptionReader } from "../openai-chat/transcription.ts";
import type { TranslatedDocument } from "./document-translation.ts";
import { eventOf } from "./engine-reply.ts";

/** All that the translation of what whisper.cpp has heard needs; it can be cloned to another thread. */
export interface TranscriptionReplyJob {
  readonly body: Uint8Array;
  readonly format: TranscriptFormat;
  /** Whether the caller wants events. */
  readonly stream: boolean;
}

/** What is said of it in OpenAI's shape is the same: the length in its details, the last line of its subtitles. */
export const transcriptionUsage: UsageReaders = {
  body: createTranscriptionReader,
  stream: createTranscriptionEventReader,
};

export function transcriptType(format: TranscriptFormat): string {
  return format === "json" || format === "verbose_json" ? "application/json" : "text/plain; charset=utf-8";
}

/** Its words begin with a space and end with a line; details and subtitles are as they came. */
export function translateTranscriptionReply({ body, format, stream }: TranscriptionReplyJob): TranslatedDocument {
  const said = bytesOf(body).toString("utf8");
  const document = said.startsWith("{") ? parsed(said) : undefined;
  const error = isObject(document) && document["text"] === undefined ? text(document, "error") : undefined;
  if (error !== undefined) return { failure: engineFailure(500, body) };
  const isPlain = format !== "json" && format !== "verbose_json";
  const heard = isObject(document) && typeof document["text"] === "string" ? document["text"].trim() : undefined;
  if (!isPlain && heard === undefined) {
    return { failure: { kind: "broken", status: 200, message: "the reply has no text" } };
  }
  const words = isPlain ? said : (heard ?? "");
  if (stream) return { body: Buffer.from(asEvents(words)) };
  return { body: Buffer.from(format === "json" ? JSON.stringify({ text: words }) : said) };
}

/** An empty piece would be none. */
function asEvents(words: string): string {
  const delta = words === "" ? "" : eventOf({ type: "transcript.text.delta", delta: words });
  return delta + eventOf({ type: "transcript.text.done", text: words });
}

function parsed(said: string): unknown {
  try {
    return JSON.parse(said);
  } catch {
    return undefined;
  }
}
