import type {
  AudioPart,
  DocumentPart,
  ImagePart,
  JsonObject,
  MediaSource,
  ResultPart,
  ToolResultPart,
  UserPart,
} from "../canonical/conversation.ts";
import { present } from "../canonical/wire.ts";
import type { TurnContext } from "./encode-contents.ts";

type MediaPart = ImagePart | DocumentPart | AudioPart;

/** Results first, as they are in order already; what they show, and all else, follows in the same content. */
export function encodeUserParts(parts: readonly UserPart[], context: TurnContext): readonly JsonObject[] {
  const results = parts.filter((part) => part.type === "tool_result");
  const shown = results.flatMap((result) => result.parts.filter((part) => !isText(part)).filter(isMedia));
  const rest = parts.filter((part) => part.type !== "tool_result");
  return [
    ...results.map((result) => resultOf(result, context)),
    ...shown.flatMap((part) => mediaPart(part, context)),
    ...rest.flatMap((part) => (part.type === "text" ? [{ text: part.text }] : mediaPart(part, context))),
  ];
}

function resultOf({ callId, parts, isError }: ToolResultPart, { calls }: TurnContext): JsonObject {
  const texts = parts.filter(isText).map((part) => (part.type === "text" ? part.text : textOf(part)));
  const hasMedia = texts.length < parts.length;
  const said = texts.length === 0 && hasMedia ? "The result is shown below." : texts.join("\n");
  const response = isError ? { error: said } : { output: said };
  return { functionResponse: present({ id: calls.told(callId), name: calls.nameOf(callId), response }) };
}

function isMedia(part: ResultPart): part is ImagePart | DocumentPart {
  return part.type !== "text";
}

/** A document that is nothing but text can be told in a result too. */
function isText(part: ResultPart): boolean {
  return part.type === "text" || part.source.kind === "text";
}

function mediaPart(part: MediaPart, context: TurnContext): readonly JsonObject[] {
  const { losses, path, target } = context;
  const { source } = part;
  if (source.kind === "text") return [{ text: textOf(part) }];
  const takes = { image: target.traits.images, document: target.traits.documents, audio: target.traits.audio };
  if (!takes[part.type]) {
    losses.dropped(`${path}.${part.type}`, "the model takes none");
    return [{ text: `[${part.type} left out: the model takes none]` }];
  }
  if (part.type === "image" && part.detail !== undefined) losses.hint(`${path}.image.detail`, "it is Gemini's choice");
  const encoded = sourceOf(source, part);
  if (encoded !== undefined) return [encoded];
  losses.dropped(`${path}.${part.type}`, "the file lies at another provider");
  return [{ text: `[${part.type} left out: it lies at another provider]` }];
}

function textOf(part: MediaPart): string {
  const { source, name } = part as DocumentPart; // no other part has a text for its source
  const text = source.kind === "text" ? source.text : "";
  return name === undefined ? text : `${name}\n\n${text}`;
}

function sourceOf(source: MediaSource, part: MediaPart): JsonObject | undefined {
  if (source.kind === "base64") return { inlineData: { mimeType: source.mediaType, data: source.data } };
  if (source.kind === "file")
    return source.origin === "gemini" ? { fileData: { fileUri: source.id, ...typed(part) } } : undefined;
  return { fileData: { fileUri: source.url, ...typed(part, source) } };
}

const typeByEnding: Readonly<Record<string, string>> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  gif: "image/gif",
  webp: "image/webp",
  pdf: "application/pdf",
  mp3: "audio/mpeg",
  wav: "audio/wav",
};

const usualType: Readonly<Record<MediaPart["type"], string>> = {
  image: "image/jpeg",
  document: "application/pdf",
  audio: "audio/mpeg",
};

/** Google wants to be told what lies at an address; of its own files it knows. */
function typed(part: MediaPart, source?: MediaSource & { readonly kind: "url" }): { readonly mimeType?: string } {
  if (source === undefined) return {};
  const ending = /\.([a-z0-9]+)(?:[?#]|$)/i.exec(source.url)?.[1]?.toLowerCase() ?? "";
  const guessed = Object.hasOwn(typeByEnding, ending) ? typeByEnding[ending] : undefined;
  const fits = guessed?.startsWith(usualType[part.type].split("/")[0] ?? "") === true;
  return { mimeType: source.mediaType ?? (fits && guessed !== undefined ? guessed : usualType[part.type]) };
}
