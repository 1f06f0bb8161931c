import { AppError } from "../../kernel/errors.ts";
import { Losses, type Loss } from "../canonical/loss.ts";
import { invalid } from "../canonical/wire.ts";

/*
 * The server of whisper.cpp (examples/server, 2026): one model, one address, no key. A form's fields are called as OpenAI calls
 * them, so what is known goes along as it came and the rest is left out: among what the server takes beside it are switches that
 * cost much time.
 */

export const whisperPath = "/inference";

/** A part of the caller's form. `value` is given for those of `readFields`, if they are no files. */
export interface FormEntry {
  readonly name: string;
  readonly isFile: boolean;
  readonly value: string | undefined;
}

/** What has to be known of a form to translate it. */
export const readFields: ReadonlySet<string> = new Set([
  "response_format",
  "temperature",
  "timestamp_granularities",
  "timestamp_granularities[]",
]);

const transcriptFormats = ["json", "text", "srt", "verbose_json", "vtt"] as const;
export type TranscriptFormat = (typeof transcriptFormats)[number];

export interface WhisperRequest {
  /** For each part whether it goes along. */
  readonly kept: readonly boolean[];
  /** Fields that are put in front. */
  readonly added: readonly (readonly [name: string, value: string])[];
  readonly format: TranscriptFormat;
  readonly losses: readonly Loss[];
}

const takenFields: ReadonlySet<string> = new Set(["prompt", "language", "response_format", "temperature"]);
/** What the gateway itself has done with: there is one model, and the reply is streamed by us. */
const ownFields: ReadonlySet<string> = new Set(["model", "stream"]);

/**
 * The form as whisper.cpp takes it. A caller that names no language wants it to be found out, where the server would take it for
 * the one that it was started for.
 *
 * @throws AppError `missing_field`, `invalid_request`, `invalid_form`
 */
export function encodeWhisper(
  form: readonly FormEntry[],
  { stream, translate }: { readonly stream: boolean; readonly translate: boolean },
): WhisperRequest {
  const losses = new Losses();
  const seen = new Set<string>();
  const kept = form.map((entry) => {
    if (!isKept(entry, losses)) return false;
    if (seen.has(entry.name)) throw new AppError("invalid_form", { problem: `\`${entry.name}\` is given twice` });
    seen.add(entry.name);
    return true;
  });
  if (!seen.has("file")) throw new AppError("missing_field", { field: "file" });
  if (stream) losses.hint("stream", "the words come when all of them are found");
  const value = (name: string): string | undefined => form.find((entry) => entry.name === name)?.value;
  checkTemperature(value("temperature"));
  const added: [string, string][] = translate ? [["translate", "true"]] : [];
  if (!seen.has("language")) added.push(["language", "auto"]);
  return { kept, added, format: formatOf(value("response_format")), losses: losses.list };
}

function isKept({ name, isFile, value }: FormEntry, losses: Losses): boolean {
  if (isFile ? name === "file" : takenFields.has(name)) return true;
  if (ownFields.has(name)) return false;
  const bare = name.replace(/\[\]$/, "");
  // Its details have every segment, whoever asks.
  if (bare === "timestamp_granularities" && value === "segment") return false;
  losses.dropped(bare, "whisper.cpp has nothing of the kind");
  return false;
}

function formatOf(value: string | undefined): TranscriptFormat {
  const format = transcriptFormats.find((known) => known === (value ?? "json"));
  if (format === undefined) throw invalid("response_format", `must be one of ${transcriptFormats.join(", ")} here`);
  return format;
}

/** The server fails on what is no number. */
function checkTemperature(value: string | undefined): void {
  if (value === undefined || (/^\d(?:\.\d{1,10})?$/.test(value) && Number(value) <= 1)) return;
  throw invalid("temperature", "must be a number from 0 to 1");
}
