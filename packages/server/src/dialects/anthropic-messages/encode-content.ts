import { AppError } from "../../kernel/errors.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type {
  DocumentPart,
  ImagePart,
  MediaSource,
  ResultPart,
  TextPart,
  UserPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { imageTypes } from "../canonical/media.ts";
import type { Block, CacheMarks } from "./cache-marks.ts";

/** What is needed to write blocks. `path` is the turn's. */
export interface BlockContext {
  readonly path: string;
  readonly provider: string;
  readonly traits: ModelTraits;
  readonly marks: CacheMarks;
  readonly losses: Losses;
}

export function textBlock({ text, cache }: TextPart, { marks }: Pick<BlockContext, "marks">): Block {
  return marks.on({ type: "text", text }, cache);
}

/** A block of a user's turn. What the model cannot take is said to be missing, so that it does not guess. */
export function userBlock(part: UserPart, context: BlockContext): Block {
  if (part.type === "tool_result") return resultBlock(part, context);
  if (part.type !== "audio") return contentBlock(part, context);
  context.losses.dropped(`${context.path}.audio`, "the model does not hear");
  return missing("audio");
}

function resultBlock(part: UserPart & { readonly type: "tool_result" }, context: BlockContext): Block {
  const block: Block = { type: "tool_result", tool_use_id: part.callId };
  const [first, ...others] = part.parts;
  // An empty result has no content at all.
  if (first?.type === "text" && others.length === 0) block["content"] = first.text;
  else if (first !== undefined) block["content"] = part.parts.map((each) => contentBlock(withoutMark(each), context));
  if (part.isError) block["is_error"] = true;
  return context.marks.on(block, part.cache ?? part.parts.findLast((each) => each.cache !== undefined)?.cache);
}

/** Within a result nothing is marked; the result is. */
function withoutMark(part: ResultPart): ResultPart {
  if (part.cache === undefined) return part;
  const { cache: _cache, ...same } = part;
  return same;
}

function contentBlock(part: ResultPart, context: BlockContext): Block {
  if (part.type === "text") return textBlock(part, context);
  return part.type === "image" ? imageBlock(part, context) : documentBlock(part, context);
}

function imageBlock({ source, detail, cache }: ImagePart, context: BlockContext): Block {
  const { losses, marks, traits } = context;
  const path = `${context.path}.image`;
  if (!traits.images) return left("image", path, "the model does not see", losses);
  if (source.kind === "base64" && !imageTypes.has(source.mediaType)) {
    throw new AppError("invalid_request", {
      problem: `\`${path}\` is ${source.mediaType === "" ? "of no stated type" : source.mediaType}; the model takes JPEG, PNG, GIF and WebP`,
    });
  }
  const written = writtenSource(source);
  if (written === undefined) return left("image", path, "its file lies at another provider", losses);
  if (detail !== undefined) losses.hint(`${path}.detail`, "the model sees all images alike");
  return marks.on({ type: "image", source: written }, cache);
}

function writtenSource(source: MediaSource): Block | undefined {
  if (source.kind === "base64") return { type: "base64", media_type: source.mediaType, data: source.data };
  if (source.kind === "url") return { type: "url", url: source.url };
  return source.origin === "anthropic-messages" ? { type: "file", file_id: source.id } : undefined;
}

function documentBlock(part: DocumentPart, context: BlockContext): Block {
  const { losses, marks, traits } = context;
  const path = `${context.path}.document`;
  const text = textOf(part.source);
  if (!traits.documents) {
    if (text === undefined) return left("document", path, "the model takes none", losses);
    return marks.on({ type: "text", text: part.name === undefined ? text : `${part.name}\n\n${text}` }, part.cache);
  }
  const source = text === undefined ? fileSource(part.source, path) : plainSource(text);
  if (source === undefined) return left("document", path, "its file lies at another provider", losses);
  return marks.on({ type: "document", source, ...(part.name !== undefined && { title: part.name }) }, part.cache);
}

function plainSource(text: string): Block {
  return { type: "text", media_type: "text/plain", data: text };
}

function textOf(source: DocumentPart["source"]): string | undefined {
  if (source.kind === "text") return source.text;
  if (source.kind !== "base64" || !isText(source.mediaType)) return undefined;
  return Buffer.from(source.data, "base64").toString("utf8");
}

function isText(mediaType: string): boolean {
  return mediaType.startsWith("text/") || mediaType === "application/json" || mediaType === "application/xml";
}

function fileSource(source: DocumentPart["source"], path: string): Block | undefined {
  if (source.kind === "text") return plainSource(source.text);
  if (source.kind === "base64" && source.mediaType !== "application/pdf") {
    const type = source.mediaType === "" ? "of no stated type" : source.mediaType;
    throw new AppError("invalid_request", { problem: `\`${path}\` is ${type}; the model takes PDF and plain text` });
  }
  return writtenSource(source);
}

function left(what: string, path: string, why: string, losses: Losses): Block {
  losses.dropped(path, why);
  return missing(what);
}

function missing(what: string): Block {
  return {
    type: "text",
    text: `[Here stood ${what === "audio" ? "audio" : `a${what === "image" ? "n" : ""} ${what}`} that could not be passed on.]`,
  };
}
