import type { DocumentPart, ImagePart, JsonObject, MediaSource, TextPart } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { base64At, mediaType } from "../canonical/media.ts";
import { invalid, isObject, objectAt, optionalText, present, textAt } from "../canonical/wire.ts";
import { marked } from "./decode-marks.ts";

export function imagePart(block: JsonObject, path: string, losses: Losses): ImagePart {
  if (isObject(block["transformations"])) losses.dropped(`${path}.transformations`, "only Anthropic's API knows it");
  return { type: "image", source: sourceOf(block["source"], `${path}.source`), ...marked(block, path) };
}

function sourceOf(value: unknown, path: string): MediaSource {
  const source = objectAt(value, path);
  switch (source["type"]) {
    case "base64": {
      const type = mediaType(textAt(source["media_type"], `${path}.media_type`));
      return {
        kind: "base64",
        mediaType: type,
        data: base64At(textAt(source["data"], `${path}.data`), `${path}.data`),
      };
    }
    case "url":
      return { kind: "url", url: textAt(source["url"], `${path}.url`) };
    case "file":
      return { kind: "file", id: textAt(source["file_id"], `${path}.file_id`), origin: "anthropic-messages" };
    default:
      throw invalid(`${path}.type`, "must be `base64`, `url` or `file`");
  }
}

/** A document, with what its caller says of it before it. One that is put together of blocks is those blocks. */
export function documentParts(
  block: JsonObject,
  path: string,
  losses: Losses,
): readonly (DocumentPart | ImagePart | TextPart)[] {
  if (isObject(block["citations"]) && block["citations"]["enabled"] === true) {
    losses.dropped(`${path}.citations`, "answers are not tied to places in documents");
  }
  const about = optionalText(block["context"], `${path}.context`) ?? "";
  if (about !== "") losses.changed(`${path}.context`, "it is told as text before the document");
  const before: readonly TextPart[] = about === "" ? [] : [{ type: "text", text: about }];
  return [...before, ...bodyOf(block, path, losses)];
}

function bodyOf(block: JsonObject, path: string, losses: Losses): readonly (DocumentPart | ImagePart | TextPart)[] {
  const name = present({ name: optionalText(block["title"], `${path}.title`) });
  const source = objectAt(block["source"], `${path}.source`);
  const at = `${path}.source`;
  if (source["type"] === "text") {
    const text = textAt(source["data"], `${at}.data`);
    return [{ type: "document", source: { kind: "text", text }, ...name, ...marked(block, path) }];
  }
  if (source["type"] === "content") return contentOf(source["content"], `${at}.content`, block, losses);
  const url = source["type"] === "url" ? { mediaType: "application/pdf" } : {};
  return [{ type: "document", source: { ...sourceOf(source, at), ...url }, ...name, ...marked(block, path) }];
}

function contentOf(
  content: unknown,
  path: string,
  block: JsonObject,
  losses: Losses,
): readonly (DocumentPart | ImagePart | TextPart)[] {
  const name = present({ name: optionalText(block["title"], `${path}.title`) });
  if (typeof content === "string") {
    return [{ type: "document", source: { kind: "text", text: content }, ...name, ...marked(block, path) }];
  }
  if (!Array.isArray(content)) throw invalid(path, "must be a string or a list of blocks");
  const blocks = content.map((each: unknown, index) => objectAt(each, `${path}[${index}]`));
  const texts = blocks.flatMap((each) =>
    each["type"] === "text" && typeof each["text"] === "string" ? each["text"] : [],
  );
  const images = blocks.flatMap((each, index) =>
    each["type"] === "image" ? imagePart(each, `${path}[${index}]`, losses) : [],
  );
  const text = texts.join("\n\n");
  const document: DocumentPart = { type: "document", source: { kind: "text", text }, ...name, ...marked(block, path) };
  return text === "" ? images : [document, ...images];
}
