import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  JsonObject,
  TextPart,
  ToolResultPart,
} from "../canonical/conversation.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { Losses } from "../canonical/loss.ts";
import { dataUrl, fileName } from "../canonical/media.ts";
import { encodeMark, isMarked } from "../openai-cache-mark.ts";

/** What a content can hold besides text. */
export type MediaPart = ImagePart | DocumentPart | AudioPart;

export interface PartWriting {
  readonly traits: ModelTraits;
  readonly losses: Losses;
  /** Of the turn: `turns[3]`. */
  readonly path: string;
}

/**
 * A part of a user's message, as text where the model takes nothing else: that something was there, it must know, or it answers as
 * if it had not been asked.
 */
export function encodePart(part: TextPart | MediaPart, writing: PartWriting): JsonObject {
  const mark = encodeMark("cache" in part ? part.cache : undefined, writing.traits.cacheField);
  return { ...encodeUnmarked(part, writing), ...mark };
}

function encodeUnmarked(part: TextPart | MediaPart, writing: PartWriting): JsonObject {
  switch (part.type) {
    case "text":
      return textPart(part.text);
    case "image":
      return encodeImage(part, writing);
    case "document":
      return encodeDocument(part, writing);
    case "audio":
      return encodeAudio(part, writing);
  }
}

export function textPart(text: string): JsonObject {
  return { type: "text", text };
}

function encodeImage({ source, detail }: ImagePart, { traits, losses, path }: PartWriting): JsonObject {
  if (!traits.images) return leftOut("image", "the model takes no images", losses, path);
  if (source.kind === "file") return encodeFileId("image", source, losses, path);
  const url = source.kind === "url" ? source.url : dataUrl(source);
  return { type: "image_url", image_url: detail === undefined ? { url } : { url, detail } };
}

function encodeDocument({ source, name }: DocumentPart, { traits, losses, path }: PartWriting): JsonObject {
  if (source.kind === "text") return textPart(name === undefined ? source.text : `${name}:\n\n${source.text}`);
  if (!traits.documents) return leftOut("document", "the model takes no documents", losses, path);
  if (source.kind === "file") return encodeFileId("document", source, losses, path);
  if (source.kind === "url")
    return leftOut("document", "the provider fetches none; send the file itself", losses, path);
  return { type: "file", file: { filename: fileName(name, source.mediaType), file_data: dataUrl(source) } };
}

const audioFormats: Readonly<Record<string, string>> = { "audio/wav": "wav", "audio/mpeg": "mp3" };

function encodeAudio({ source }: AudioPart, { traits, losses, path }: PartWriting): JsonObject {
  if (!traits.audio) return leftOut("audio", "the model takes no sound", losses, path);
  const known = source.kind === "base64" && Object.hasOwn(audioFormats, source.mediaType);
  const format = known ? audioFormats[source.mediaType] : undefined;
  if (source.kind !== "base64" || format === undefined)
    return leftOut("audio", "the provider takes only wav and mp3, sent along", losses, path);
  return { type: "input_audio", input_audio: { data: source.data, format } };
}

/** The ids of other providers' files mean nothing here. */
function encodeFileId(
  what: "image" | "document",
  { id, origin }: { readonly id: string; readonly origin: string },
  losses: Losses,
  path: string,
): JsonObject {
  if (origin === "openai-chat") return { type: "file", file: { file_id: id } };
  return leftOut(what, "the file lies at another provider; send it along", losses, path);
}

function leftOut(what: "image" | "document" | "audio", why: string, losses: Losses, path: string): JsonObject {
  losses.dropped(`${path}.${what}`, why);
  return textPart(`[${what} left out: the model cannot take it]`);
}

/** A content as one text, wherever it is nothing but text without marks: many servers take no list. */
export function contentOf(parts: readonly JsonObject[]): string | readonly JsonObject[] {
  if (parts.every((part) => part["type"] === "text" && !isMarked(part)))
    return parts.map(({ text }) => text).join("\n\n");
  return parts;
}

/**
 * A tool's result, which can hold text only; what else there is goes into a user's message behind the results. An error has no
 * field of its own.
 */
export function encodeResult(
  { callId, parts, isError, cache }: ToolResultPart,
  writing: PartWriting,
): { readonly message: JsonObject; readonly media: readonly (ImagePart | DocumentPart)[] } {
  const media: (ImagePart | DocumentPart)[] = [];
  const texts = parts.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "document" && part.source.kind === "text") return part.source.text;
    writing.losses.changed(`${writing.path}.${part.type}`, "a tool's result is text; it is shown behind the results");
    media.push(part);
    return `[${part.type} below]`;
  });
  const said = texts.join("\n");
  const text = isError ? `Error: ${said === "" ? "the tool gave no reason" : said}` : said;
  const mark = text === "" ? {} : encodeMark(cache, writing.traits.cacheField);
  const content = isMarked(mark) ? [{ ...textPart(text), ...mark }] : text;
  return { message: { role: "tool", tool_call_id: callId, content }, media };
}
