import { noMedia, noTokens, type TokenUsage } from "../../kernel/tokens.ts";
import { counter, field } from "../counter.ts";
import type { UsageReader } from "../dialect.ts";
import { openaiTokens, type UsageNames } from "../openai-tokens.ts";
import { createEventReader, createStatedReader, milliseconds, partOf } from "./stated.ts";

/** Here, and only here, the details have `token` in the singular. */
const names: UsageNames = {
  input: "input_tokens",
  inputDetails: "input_token_details",
  output: "output_tokens",
  outputDetails: "output_token_details",
};

function audioTime(audioMs: number | undefined): TokenUsage | undefined {
  return audioMs === undefined ? undefined : { ...noTokens, media: { ...noMedia, audioMs } };
}

/** Models are charged by the token or by the second, and say by which. */
function transcriptionTokens(usage: unknown): TokenUsage | undefined {
  const tokens = openaiTokens(usage, names);
  if (tokens === undefined) return audioTime(milliseconds(field(usage, "seconds")));
  const inputAudio = partOf(tokens.input, counter(usage, names.inputDetails, "audio_tokens"));
  return { ...tokens, media: { ...noMedia, inputAudio } };
}

/** `transcript.text.delta` …, `transcript.text.done`. */
export function createTranscriptionEventReader(): UsageReader {
  return createEventReader({ ending: ".done", tokens: transcriptionTokens, deltasAreText: true });
}

/**
 * For JSON, in which older servers state the length of the recording only (`verbose_json`), and for plain text and
 * subtitles, which state nothing; but the last line of subtitles says when it ends, which is not after the recording does.
 * https://platform.openai.com/docs/api-reference/audio/json-object
 */
export function createTranscriptionReader(): UsageReader {
  const json = createStatedReader(
    ["usage", "duration"],
    (member) => transcriptionTokens(member("usage")) ?? audioTime(milliseconds(member("duration"))),
  );
  const last = createSubtitleClock();
  let first: number | undefined;
  let sizeBytes = 0;
  return {
    push(chunk) {
      first ??= chunk.find((byte) => byte > 0x20);
      sizeBytes += chunk.length;
      json.push(chunk);
      if (first !== openBrace) last.push(chunk);
    },
    end() {
      const reading = json.end();
      if (first === openBrace) return reading;
      return { ...reading, tokens: audioTime(last.read()), complete: true, outputBytes: sizeBytes };
    },
  };
}

const openBrace = 0x7b;
/** Longer than any two times with the arrow between them. */
const cueBytes = 64;
/** `00:00:07,420 --> 00:00:11,000` in SubRip; WebVTT has a point, and may leave the hours out. */
const cue = /--> *(?:(\d{1,4}):)?(\d\d):(\d\d)[.,](\d{3})/g;

/** Watches subtitles for the latest end of a line, in milliseconds. */
function createSubtitleClock(): { push(chunk: Buffer): void; read(): number | undefined } {
  let rest = "";
  let latestMs: number | undefined;
  return {
    push(chunk) {
      const text = rest + chunk.toString("latin1");
      for (const [, hours = "0", minutes, seconds, ms] of text.matchAll(cue)) {
        const endMs = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000 + Number(ms);
        latestMs = Math.max(latestMs ?? 0, endMs);
      }
      rest = text.slice(-cueBytes);
    },
    read: () => latestMs,
  };
}
