import type {
  AudioPart,
  Citation,
  DocumentPart,
  ImagePart,
  JsonObject,
  RefusalPart,
  TextPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { dataUrl, fileName } from "../canonical/media.ts";
import type { TargetModel } from "../codec.ts";
import { encodeMark } from "../openai-cache-mark.ts";

interface Writing {
  readonly target: TargetModel;
  readonly losses: Losses;
  readonly path: string;
}

/** What a user or a tool says; nothing where the model does not take it. */
export function encodePart(
  part: TextPart | ImagePart | DocumentPart | AudioPart,
  writing: Writing,
): readonly JsonObject[] {
  const mark = encodeMark("cache" in part ? part.cache : undefined, writing.target.traits.cacheField);
  return encodeUnmarked(part, writing).map((encoded) => ({ ...encoded, ...mark }));
}

function encodeUnmarked(
  part: TextPart | ImagePart | DocumentPart | AudioPart,
  writing: Writing,
): readonly JsonObject[] {
  switch (part.type) {
    case "text":
      return [{ type: "input_text", text: part.text }];
    case "image":
      return encodeImage(part, writing);
    case "document":
      return encodeDocument(part, writing);
    case "audio":
      return encodeAudio(part, writing);
  }
}

function encodeImage({ source, detail }: ImagePart, { target, losses, path }: Writing): readonly JsonObject[] {
  if (!target.traits.images) return lost(`${path}.image`, "the model takes no images", losses);
  const shown = { type: "input_image", detail: detail ?? "auto" };
  if (source.kind === "url") return [{ ...shown, image_url: source.url }];
  if (source.kind === "base64") return [{ ...shown, image_url: dataUrl(source) }];
  if (!isOpenaiFile(source.origin)) return lost(`${path}.image`, "the file lies at another provider", losses);
  return [{ ...shown, file_id: source.id }];
}

function encodeDocument({ source, name }: DocumentPart, { target, losses, path }: Writing): readonly JsonObject[] {
  if (source.kind === "text") {
    return [{ type: "input_text", text: name === undefined ? source.text : `[${name}]\n${source.text}` }];
  }
  if (!target.traits.documents) return lost(`${path}.document`, "the model takes no documents", losses);
  if (source.kind === "url") return [{ type: "input_file", file_url: source.url }];
  if (source.kind === "base64") {
    return [{ type: "input_file", filename: fileName(name, source.mediaType), file_data: dataUrl(source) }];
  }
  if (!isOpenaiFile(source.origin)) return lost(`${path}.document`, "the file lies at another provider", losses);
  return [{ type: "input_file", file_id: source.id }];
}

/** Both dialects of OpenAI's name files that lie at the same place. */
function isOpenaiFile(origin: string): boolean {
  return origin === "openai-responses" || origin === "openai-chat";
}

const audioFormats: ReadonlyMap<string, string> = new Map([
  ["audio/wav", "wav"],
  ["audio/mpeg", "mp3"],
]);

function encodeAudio({ source }: AudioPart, { target, losses, path }: Writing): readonly JsonObject[] {
  const format = source.kind === "base64" ? audioFormats.get(source.mediaType) : undefined;
  if (!target.traits.audio) return lost(`${path}.audio`, "the model takes no audio", losses);
  if (source.kind !== "base64" || format === undefined) {
    return lost(`${path}.audio`, "audio must be WAV or MP3, and in the request", losses);
  }
  return [{ type: "input_audio", input_audio: { data: source.data, format } }];
}

function lost(path: string, why: string, losses: Losses): readonly JsonObject[] {
  losses.dropped(path, why);
  return [];
}

/** What the model has answered before. */
export function encodeAnswerText(part: TextPart | RefusalPart): JsonObject {
  if (part.type === "refusal") return { type: "refusal", refusal: part.text };
  const annotations = annotationsOf(part.citations ?? [], part.text.length);
  return { type: "output_text", text: part.text, ...(annotations.length > 0 && { annotations }) };
}

/** Clients want all of its fields; only a web page can be named. */
export function annotationsOf(citations: readonly Citation[], textLength: number): readonly JsonObject[] {
  return citations.flatMap(({ url, title, start, end }): readonly JsonObject[] => {
    if (url === undefined) return [];
    const place = { start_index: start ?? 0, end_index: end ?? textLength };
    return [{ type: "url_citation", ...place, title: title ?? url, url }];
  });
}
