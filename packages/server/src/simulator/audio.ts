import type { Failure } from "./failure.ts";
import { isFile, type UploadedFile } from "./form.ts";
import { eventOf, failureEvent, formFieldFailure } from "./images.ts";
import { fieldFailure, invalid, invalidType, invalidValue, missing } from "./openai.ts";
import { tokensOf, wordsOf } from "./reply.ts";
import type { Script } from "./script.ts";
import type { Call, Errand, Product, Service, Stream } from "./vendor.ts";
import { isObject, type JsonObject, stringOf } from "./wire.ts";

const speechFields = new Set("model input voice instructions response_format speed stream_format".split(" "));
const soundTypes: Readonly<Record<string, string>> = {
  mp3: "audio/mpeg",
  opus: "audio/opus",
  aac: "audio/aac",
  flac: "audio/flac",
  wav: "audio/wav",
  pcm: "audio/pcm",
};
const longestSpeech = 4096;

/** OpenAI's speech: https://platform.openai.com/docs/api-reference/audio/createSpeech */
export const speech: Service = {
  house: "openai",
  takes: "json",
  check: ({ body }) => fieldFailure(body, speechFields) ?? speechFailure(body),
  serve: speak,
};

function speechFailure(body: JsonObject): Failure | undefined {
  const { input, voice, response_format: format, stream_format: streamed } = body;
  if (input === undefined) return missing("input");
  if (typeof input !== "string") return invalidType("input", "a string");
  if (input === "" || input.length > longestSpeech) {
    return invalid(`Invalid 'input': expected 1 to ${longestSpeech} characters.`, "input", "string_above_max_length");
  }
  if (voice === undefined) return missing("voice");
  if (typeof voice !== "string" && !isObject(voice)) return invalidType("voice", "a string or an object");
  if (format !== undefined && !Object.hasOwn(soundTypes, stringOf(format))) {
    return invalidValue("response_format", format, Object.keys(soundTypes));
  }
  if (streamed === undefined || streamed === "audio" || streamed === "sse") return undefined;
  return invalidValue("stream_format", streamed, ["audio", "sse"]);
}

const soundParts = 8;

/** Sound that is none: every byte there is, in turn. */
function soundOf(sizeBytes: number): readonly Buffer[] {
  const sound = Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 7) & 0xff));
  const step = Math.ceil(sizeBytes / soundParts);
  return Array.from({ length: soundParts }, (_, index) => sound.subarray(index * step, (index + 1) * step));
}

function speak({ call: { body }, script }: Errand): Product {
  const parts = soundOf(script.textBytes ?? 24_000);
  if (body["stream_format"] !== "sse") {
    return { contentType: soundTypes[stringOf(body["response_format"])] ?? "audio/mpeg", parts };
  }
  const input = script.usage?.input ?? tokensOf(Buffer.byteLength(stringOf(body["input"])));
  const output = script.usage?.output ?? 50;
  const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
  const deltas = parts.map((part) => eventOf({ type: "speech.audio.delta", audio: part.toString("base64") }));
  return {
    events: [...deltas, eventOf({ type: "speech.audio.done", ...withUsage(usage, script) })],
    failure: failureEvent,
  };
}

function withUsage(usage: JsonObject, script: Script): JsonObject {
  return script.omit?.includes("usage") === true ? {} : { usage };
}

const translationFields = "file model prompt response_format temperature";
const transcriptionFields = `${translationFields} language languages stream chunking_strategy include keywords known_speaker_names known_speaker_references timestamp_granularities`;
const formats = ["json", "text", "srt", "verbose_json", "vtt", "diarized_json"];
const endings = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"];

/** OpenAI's transcription: https://platform.openai.com/docs/api-reference/audio/createTranscription */
export const transcriptions: Service = {
  house: "openai",
  takes: "form",
  check: (call) => transcriptionFailure(call, new Set(transcriptionFields.split(" "))),
  serve: (errand) =>
    errand.call.body["stream"] === "true" ? writeDownInSteps(errand) : writeDown(errand, "transcribe"),
};

export const translations: Service = {
  house: "openai",
  takes: "form",
  check: (call) => transcriptionFailure(call, new Set(translationFields.split(" "))),
  serve: (errand) => writeDown(errand, "translate"),
};

function transcriptionFailure({ body }: Call, fields: ReadonlySet<string>): Failure | undefined {
  const { file, response_format: format } = body;
  if (file === undefined) return missing("file");
  if (!isFile(file)) return invalidType("file", "a file");
  const failure = formFieldFailure(body, fields);
  if (failure !== undefined) return failure;
  if (!endings.includes(file.filename.split(".").at(-1) ?? "")) {
    return invalid(`Unrecognized file format. Supported formats: ['${endings.join("', '")}']`);
  }
  if (file.bytes.length === 0) return invalid("Audio file is too short.", "file", "audio_too_short");
  if (format === undefined || formats.includes(stringOf(format))) return undefined;
  return invalidValue("response_format", format, formats);
}

/** What is recorded, and how long it takes to say. */
interface Recording {
  readonly text: string;
  readonly seconds: number;
}

const bytesPerSecond = 16_000;

export function recordingOf({ call, script }: Errand): Recording {
  const file: UploadedFile | undefined = isFile(call.body["file"]) ? call.body["file"] : undefined;
  const size = file?.bytes.length ?? 0;
  const said = `You are listening to ${file?.filename ?? "nothing"}, a recording of ${size} bytes.`;
  return { text: script.text ?? said, seconds: Math.ceil((size / bytesPerSecond) * 100) / 100 };
}

function writeDown(errand: Errand, task: string): Product {
  const { body } = errand.call;
  const { text, seconds } = recordingOf(errand);
  const segment = { id: 0, seek: 0, start: 0, end: seconds, text, tokens: [1], temperature: 0, avg_logprob: -0.1 };
  switch (body["response_format"]) {
    case "text":
      return { contentType: "text/plain; charset=utf-8", parts: [`${text}\n`] };
    case "srt":
      return { contentType: "text/plain; charset=utf-8", parts: [subtitles("srt", text, seconds)] };
    case "vtt":
      return { contentType: "text/plain; charset=utf-8", parts: [subtitles("vtt", text, seconds)] };
    case "verbose_json": {
      const segments = [{ ...segment, compression_ratio: 1, no_speech_prob: 0 }];
      const usage = withUsage({ type: "duration", seconds: Math.ceil(seconds) }, errand.script);
      return { json: { task, language: "english", duration: seconds, text, segments, ...usage } };
    }
    default:
      return { json: { text, ...withUsage(usageOf(errand), errand.script) } };
  }
}

/** All of it in one line. */
export function subtitles(format: "srt" | "vtt", text: string, seconds: number): string {
  const time = clockTime(seconds);
  if (format === "vtt") return `WEBVTT\n\n00:00:00.000 --> ${time}\n${text}\n\n`;
  return `1\n00:00:00,000 --> ${time.replace(".", ",")}\n${text}\n\n`;
}

function clockTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 23);
}

const tokensPerSecond = 10;

/** Whisper is charged by the second, all others by the token. */
function usageOf(errand: Errand): JsonObject {
  const { text, seconds } = recordingOf(errand);
  if (stringOf(errand.call.body["model"]).startsWith("whisper"))
    return { type: "duration", seconds: Math.ceil(seconds) };
  const audio = Math.ceil(seconds * tokensPerSecond);
  const input = errand.script.usage?.input ?? audio;
  const output = errand.script.usage?.output ?? tokensOf(Buffer.byteLength(text));
  const details = { text_tokens: input - Math.min(audio, input), audio_tokens: Math.min(audio, input) };
  return {
    type: "tokens",
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    input_token_details: details,
  };
}

function writeDownInSteps(errand: Errand): Stream {
  const { text } = recordingOf(errand);
  const deltas = wordsOf(text).map((delta) => eventOf({ type: "transcript.text.delta", delta }));
  const last = eventOf({ type: "transcript.text.done", text, ...withUsage(usageOf(errand), errand.script) });
  return { events: [...deltas, last], failure: failureEvent };
}
