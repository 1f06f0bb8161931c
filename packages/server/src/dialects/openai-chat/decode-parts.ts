import type {
  AudioPart,
  CacheMark,
  DocumentPart,
  ImagePart,
  JsonObject,
  MediaSource,
  TextPart,
  UserPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { base64At, mediaType, sourceOfUrl } from "../canonical/media.ts";
import { invalid, listAt, objectAt, optionalText, present, textAt } from "../canonical/wire.ts";
import { cacheMarkOf } from "./cache-marks.ts";

type Marked = Pick<TextPart, "cache">;

/**
 * The parts of a message's content: a text, or a list; none where there is no content. Unknown ones are losses. A mark that
 * stands on the message is one of its last part.
 */
export function decodeContent(message: JsonObject, path: string, losses: Losses): readonly UserPart[] {
  const { content } = message;
  if (content === undefined || content === null) return [];
  const parts = typeof content === "string" ? [content] : listAt(content, `${path}.content`);
  return parts.flatMap((part, index) => {
    const mark = index === parts.length - 1 ? cacheMarkOf(message) : undefined;
    return decodePart(part, `${path}.content[${index}]`, mark, losses);
  });
}

/** The texts of a content that can hold nothing else; other parts are losses. */
export function decodeTexts(message: JsonObject, path: string, losses: Losses): readonly TextPart[] {
  return decodeContent(message, path, losses).flatMap((part) => {
    if (part.type === "text") return [part];
    losses.dropped(`${path}.content`, "a message of this role can only hold text");
    return [];
  });
}

function decodePart(given: unknown, path: string, mark: CacheMark | undefined, losses: Losses): readonly UserPart[] {
  if (typeof given === "string") return [{ type: "text", text: given, ...(mark && { cache: mark }) }];
  const part = objectAt(given, path);
  const marked = present({ cache: cacheMarkOf(part) ?? mark });
  switch (part["type"]) {
    case "text":
    case "input_text":
    case "output_text":
      return [{ type: "text", text: textAt(part["text"], `${path}.text`), ...marked }];
    case "image_url":
      return [{ ...decodeImage(part["image_url"], `${path}.image_url`), ...marked }];
    case "input_audio":
      return [decodeAudio(objectAt(part["input_audio"], `${path}.input_audio`), `${path}.input_audio`)];
    case "file":
      return decodeFile(objectAt(part["file"], `${path}.file`), `${path}.file`, marked, losses);
    default:
      losses.dropped(path, `parts of the type \`${String(part["type"])}\` cannot be told to this model`);
      return [];
  }
}

/** Some clients give the address itself. */
function decodeImage(given: unknown, path: string): ImagePart {
  const image = typeof given === "string" ? { url: given } : objectAt(given, path);
  const source = sourceOfUrl(textAt(image["url"], `${path}.url`), `${path}.url`);
  const detail = "detail" in image ? image["detail"] : undefined;
  if (detail === "low") return { type: "image", source, detail };
  return { type: "image", source, ...((detail === "high" || detail === "original") && { detail: "high" }) };
}

const audioTypes: Readonly<Record<string, string>> = { wav: "audio/wav", mp3: "audio/mpeg" };

function decodeAudio(audio: JsonObject, path: string): AudioPart {
  const format = optionalText(audio["format"], `${path}.format`) ?? "wav";
  const data = textAt(audio["data"], `${path}.data`);
  if (data.startsWith("data:")) return { type: "audio", source: sourceOfUrl(data, `${path}.data`) };
  const source = { kind: "base64", data: base64At(data, `${path}.data`) } as const;
  return {
    type: "audio",
    source: { ...source, mediaType: typeIn(audioTypes, format) ?? mediaType(`audio/${format}`) },
  };
}

function decodeFile(
  file: JsonObject,
  path: string,
  marked: Marked,
  losses: Losses,
): readonly (DocumentPart | ImagePart | AudioPart)[] {
  const name = optionalText(file["filename"], `${path}.filename`);
  const id = optionalText(file["file_id"], `${path}.file_id`);
  const data = optionalText(file["file_data"], `${path}.file_data`);
  if (data !== undefined) return [ofFile(sourceOfFile(data, name, `${path}.file_data`), name, marked)];
  if (id === undefined) throw invalid(path, "must have `file_data` or `file_id`");
  if (id === "") {
    losses.dropped(path, "it names no file");
    return [];
  }
  return [ofFile({ kind: "file", id, origin: "openai-chat" }, name, marked)];
}

/** A `data:` URL; or plain base64, of which the name tells what it is. */
function sourceOfFile(data: string, name: string | undefined, path: string): MediaSource {
  if (/^(?:data:|https?:)/i.test(data.slice(0, 6))) return sourceOfUrl(data, path);
  const ending = name?.split(".").at(-1)?.toLowerCase() ?? "pdf";
  return { kind: "base64", mediaType: typeIn(fileTypes, ending) ?? "application/pdf", data: base64At(data, path) };
}

function typeIn(types: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(types, name) ? types[name] : undefined;
}

const fileTypes: Readonly<Record<string, string>> = {
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  json: "application/json",
};

/** What a file is, its media type tells: pictures and sound may come as files, too. */
function ofFile(source: MediaSource, name: string | undefined, marked: Marked): DocumentPart | ImagePart | AudioPart {
  const type = source.kind === "base64" ? source.mediaType : "";
  if (type.startsWith("image/")) return { type: "image", source, ...marked };
  if (type.startsWith("audio/")) return { type: "audio", source };
  const document = { type: "document", ...present({ name }), ...marked } as const;
  if (source.kind !== "base64" || !isText(type)) return { ...document, source };
  return { ...document, source: { kind: "text", text: Buffer.from(source.data, "base64").toString("utf8") } };
}

function isText(type: string): boolean {
  return type.startsWith("text/") || type === "application/json";
}
