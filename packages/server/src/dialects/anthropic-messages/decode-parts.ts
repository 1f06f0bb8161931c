import type {
  DocumentPart,
  ImagePart,
  JsonObject,
  ResultPart,
  TextPart,
  ToolResultPart,
  UserPart,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import type { StateSeal } from "../canonical/state-seal.ts";
import { invalid, isObject, listAt, objectAt, optionalFlag, optionalText, textAt } from "../canonical/wire.ts";
import { marked } from "./decode-marks.ts";
import { documentParts, imagePart } from "./decode-media.ts";
import { serverBlockText } from "./server-blocks.ts";

export interface PartContext {
  readonly losses: Losses;
  readonly seal: StateSeal;
}

/** A block, at its path. */
export type BlockReader<Part> = (block: JsonObject, path: string, context: PartContext) => readonly Part[];

/** The parts of a user's turn. */
export function userParts(block: JsonObject, path: string, context: PartContext): readonly UserPart[] {
  return block["type"] === "tool_result" ? [resultOf(block, path, context)] : contentParts(block, path, context);
}

const contentReaders: Readonly<Record<string, BlockReader<ResultPart>>> = {
  text: (block, path) => textOf(block, path),
  image: (block, path, { losses }): readonly ImagePart[] => [imagePart(block, path, losses)],
  document: (block, path, { losses }): readonly (DocumentPart | ImagePart | TextPart)[] =>
    documentParts(block, path, losses),
  search_result: searchResult,
  tool_reference: toolReference,
};

/** What may stand in a user's turn and in a result alike. */
export function contentParts(block: JsonObject, path: string, context: PartContext): readonly ResultPart[] {
  const type = textAt(block["type"], `${path}.type`);
  const read = Object.hasOwn(contentReaders, type) ? contentReaders[type] : undefined;
  if (read !== undefined) return read(block, path, context);
  return asText(block, type, path, context.losses);
}

/** A block that only the vendor knows, as far as it has words. */
export function asText(block: JsonObject, type: string, path: string, losses: Losses): readonly TextPart[] {
  const text = serverBlockText(block);
  if (text === undefined) {
    losses.dropped(path, `there is no \`${type}\` elsewhere`);
    return [];
  }
  losses.changed(path, `a \`${type}\` is told as text`);
  return [{ type: "text", text }];
}

export function textOf(block: JsonObject, path: string): readonly TextPart[] {
  const text = textAt(block["text"], `${path}.text`);
  return [{ type: "text", text, ...marked(block, path) }];
}

/** A text, or blocks of which only texts are taken. */
export function textParts(value: unknown, path: string, { losses }: PartContext): readonly TextPart[] {
  if (typeof value === "string") return value === "" ? [] : [{ type: "text", text: value }];
  if (!Array.isArray(value)) throw invalid(path, "must be a string or a list of blocks");
  return value.flatMap((each: unknown, index) => {
    const at = `${path}[${index}]`;
    const block = objectAt(each, at);
    if (block["type"] === "text") return textOf(block, at);
    return asText(block, textAt(block["type"], `${at}.type`), at, losses);
  });
}

/** Nothing, one text, or blocks; some clients write texts in place of blocks. */
function resultOf(block: JsonObject, path: string, context: PartContext): ToolResultPart {
  const callId = textAt(block["tool_use_id"], `${path}.tool_use_id`);
  const isError = optionalFlag(block["is_error"], `${path}.is_error`) ?? false;
  const parts = resultParts(block["content"], `${path}.content`, context);
  return { type: "tool_result", callId, kind: "function", parts, isError, ...marked(block, path) };
}

function resultParts(content: unknown, path: string, context: PartContext): readonly ResultPart[] {
  if (content === undefined || content === null || content === "") return [];
  if (typeof content === "string") return [{ type: "text", text: content }];
  return listAt(content, path).flatMap((each, index): readonly ResultPart[] => {
    if (typeof each === "string") return [{ type: "text", text: each }];
    return contentParts(objectAt(each, `${path}[${index}]`), `${path}[${index}]`, context);
  });
}

function searchResult(block: JsonObject, path: string, { losses }: PartContext): readonly ResultPart[] {
  const title = optionalText(block["title"], `${path}.title`) ?? "";
  const source = optionalText(block["source"], `${path}.source`) ?? "";
  const content = Array.isArray(block["content"]) ? block["content"] : [];
  const texts = content.flatMap((each: unknown) =>
    isObject(each) && typeof each["text"] === "string" ? each["text"] : [],
  );
  const text = [title, source, ...texts].filter((line) => line !== "").join("\n");
  losses.changed(path, "a `search_result` is told as text");
  return [{ type: "text", text, ...marked(block, path) }];
}

/** Tells that a tool was found, which the model has anyway. */
function toolReference(block: JsonObject, path: string, { losses }: PartContext): readonly ResultPart[] {
  const name = textAt(block["tool_name"], `${path}.tool_name`);
  losses.changed(path, "a `tool_reference` is told as text");
  return [{ type: "text", text: `The tool \`${name}\` is there.`, ...marked(block, path) }];
}
