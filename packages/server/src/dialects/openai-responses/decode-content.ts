import type {
  AudioPart,
  CacheMark,
  Citation,
  DocumentPart,
  ImagePart,
  MediaSource,
  RefusalPart,
  TextPart,
} from "../canonical/conversation.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { base64At, mediaType, sourceOfUrl } from "../canonical/media.ts";
import { invalid, isObject, objectAt, optionalText, present, textAt } from "../canonical/wire.ts";
import { counter, text } from "../counter.ts";

/** Whatever may stand in the content of a message or in the output of a tool. */
export type ContentPart = TextPart | ImagePart | DocumentPart | AudioPart | RefusalPart;

/** A text, or a list of parts. What no other dialect knows is a loss. */
export function decodeContent(content: unknown, path: string, losses: Losses): readonly ContentPart[] {
  if (content === undefined || content === null) return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  if (!Array.isArray(content)) throw invalid(path, "must be a string or a list of parts");
  return content.flatMap((part: unknown, index): readonly ContentPart[] => {
    const decoded = decodePart(objectAt(part, `${path}[${index}]`), `${path}[${index}]`, losses);
    return decoded === undefined ? [] : [decoded];
  });
}

function decodePart(part: JsonObject, path: string, losses: Losses): ContentPart | undefined {
  switch (part["type"]) {
    case "input_text":
    case "output_text":
    case "text":
      return decodeText(part, path);
    case "refusal":
      return { type: "refusal", text: textAt(part["refusal"], `${path}.refusal`) };
    case "input_image":
      return decodeImage(part, path);
    case "input_file":
      return decodeFile(part, path);
    case "input_audio":
      return decodeAudio(part, path);
    default:
      losses.dropped(path, `no other dialect has parts of the type ${JSON.stringify(part["type"] ?? null)}`);
      return undefined;
  }
}

function decodeText(part: JsonObject, path: string): TextPart {
  const citations = citationsOf(part["annotations"]);
  const content = textAt(part["text"], `${path}.text`);
  return { type: "text", text: content, ...(citations.length > 0 && { citations }), ...cacheOf(part) };
}

/** The web pages among a text's annotations. Files that lie at the provider mean nothing elsewhere. */
export function citationsOf(annotations: unknown): readonly Citation[] {
  return Array.isArray(annotations) ? annotations.flatMap((each) => citationOf(each) ?? []) : [];
}

export function citationOf(annotation: unknown): Citation | undefined {
  const url = text(annotation, "url");
  if (url === undefined || text(annotation, "type") !== "url_citation") return undefined;
  const [start, end] = [counter(annotation, "start_index"), counter(annotation, "end_index")];
  return present({ url, title: text(annotation, "title"), start, end });
}

/** An explicit breakpoint lives as long as the request says, mostly half an hour; the other kind half a day. */
function cacheOf(part: JsonObject): { readonly cache?: CacheMark } {
  const mark = part["prompt_cache_breakpoint"];
  return isObject(mark) ? { cache: { ttl: mark["ttl"] === undefined || mark["ttl"] === null ? "5m" : "1h" } } : {};
}

/** Some clients wrap the address in an object, as Chat Completions does. */
export function decodeImage(part: JsonObject, path: string): ImagePart {
  const { image_url: given, detail } = part;
  const url = isObject(given) ? given["url"] : given;
  const source = typeof url === "string" ? sourceOfUrl(url, `${path}.image_url`) : fileOf(part, path, "image_url");
  const isKnown = detail === "low" || detail === "high";
  return { type: "image", source, ...(isKnown && { detail }), ...cacheOf(part) };
}

function fileOf(part: JsonObject, path: string, field: string): MediaSource {
  const id = optionalText(part["file_id"], `${path}.file_id`);
  if (id === undefined) throw invalid(path, `needs \`${field}\` or \`file_id\``);
  return { kind: "file", id, origin: "openai-responses" };
}

/** A file that is an image or a text is decoded as what it is. */
function decodeFile(part: JsonObject, path: string): DocumentPart | ImagePart {
  const name = optionalText(part["filename"], `${path}.filename`);
  const source = sourceOfFile(part, path, name);
  const named = name !== undefined && { name };
  if (source.kind !== "base64") return { type: "document", source, ...named, ...cacheOf(part) };
  if (source.mediaType.startsWith("image/")) return { type: "image", source, ...cacheOf(part) };
  if (!isText(source.mediaType)) return { type: "document", source, ...named, ...cacheOf(part) };
  const content = Buffer.from(source.data, "base64").toString("utf8");
  return { type: "document", source: { kind: "text", text: content }, ...named, ...cacheOf(part) };
}

function sourceOfFile(part: JsonObject, path: string, name: string | undefined): MediaSource {
  const url = optionalText(part["file_url"], `${path}.file_url`);
  if (url !== undefined) return sourceOfUrl(url, `${path}.file_url`);
  const data = optionalText(part["file_data"], `${path}.file_data`);
  if (data === undefined) return fileOf(part, path, "file_data");
  if (data.startsWith("data:")) return sourceOfUrl(data, `${path}.file_data`);
  return { kind: "base64", mediaType: typeOfName(name), data: base64At(data, `${path}.file_data`) };
}

function isText(type: string): boolean {
  return type.startsWith("text/") || type === "application/json";
}

const typesByEnding: ReadonlyMap<string, string> = new Map(
  Object.entries({
    txt: "text/plain",
    md: "text/markdown",
    csv: "text/csv",
    json: "application/json",
  }),
);

/** Files without a type are mostly PDF. */
function typeOfName(name: string = ""): string {
  return typesByEnding.get(name.slice(name.lastIndexOf(".") + 1).toLowerCase()) ?? "application/pdf";
}

function decodeAudio(part: JsonObject, path: string): AudioPart {
  const audio = objectAt(part["input_audio"], `${path}.input_audio`);
  const data = base64At(textAt(audio["data"], `${path}.input_audio.data`), `${path}.input_audio.data`);
  const format = mediaType(`audio/${textAt(audio["format"], `${path}.input_audio.format`)}`);
  return { type: "audio", source: { kind: "base64", mediaType: format, data } };
}

/** What there is of texts in a list of parts, whatever they are called; nothing of anything else. */
export function textsIn(parts: unknown): readonly string[] {
  return Array.isArray(parts) ? parts.flatMap((part) => text(part, "text") ?? []) : [];
}
