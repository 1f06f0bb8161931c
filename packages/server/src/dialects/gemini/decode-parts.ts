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
import { base64At, mediaType } from "../canonical/media.ts";
import { invalid, isObject, objectAt, optionalList, optionalText, textAt } from "../canonical/wire.ts";
import type { ContentContext } from "./decode-contents.ts";
import { camelNames, fieldsOf } from "./field-names.ts";

type MediaPart = ImagePart | DocumentPart | AudioPart;

export function decodeUserPart(value: unknown, context: ContentContext): readonly UserPart[] {
  const { path, losses } = context;
  const part = camelNames(objectAt(value, path));
  const { text, functionResponse, functionCall } = part;
  if (functionCall !== undefined) throw invalid(`${path}.functionCall`, "belongs to a content of the role `model`");
  if (functionResponse !== undefined)
    return [decodeResult(functionResponse, { ...context, path: `${path}.functionResponse` })];
  if (text !== undefined && text !== null) return [{ type: "text", text: textAt(text, `${path}.text`) }];
  if (part["inlineData"] === undefined && part["fileData"] === undefined) {
    losses.dropped(path, `a part with ${Object.keys(part).join(", ") || "nothing"} is not known here`);
    return [];
  }
  const media = decodeMedia(part, context);
  return media === undefined ? [] : [media];
}

/** `inlineData` or `fileData`; undefined, with a loss, for what nobody else takes. */
function decodeMedia(part: JsonObject, context: ContentContext): MediaPart | undefined {
  const { inlineData, fileData } = part;
  const path = `${context.path}.${inlineData === undefined ? "fileData" : "inlineData"}`;
  const fields = camelNames(objectAt(inlineData ?? fileData, path));
  const type = mediaType(optionalText(fields["mimeType"], `${path}.mimeType`) ?? "");
  const name = optionalText(fields["displayName"], `${path}.displayName`);
  if (inlineData === undefined) return fileOf(textAt(fields["fileUri"], `${path}.fileUri`), type, name, context);
  if (type === "") throw invalid(`${path}.mimeType`, "must say what the data is: `image/png`");
  const data = base64At(textAt(fields["data"], `${path}.data`), `${path}.data`);
  if (type.startsWith("text/")) {
    const text = Buffer.from(data, "base64").toString("utf8");
    return { type: "document", source: { kind: "text", text }, ...(name !== undefined && { name }) };
  }
  return mediaOf({ kind: "base64", mediaType: type, data }, type, name, context);
}

/** Where Google keeps files, which nobody else can read. */
const googleFile = /^gs:|^https:\/\/(?:generativelanguage|storage)\.googleapis\.com\/|^(?:\w+\/)*files\//i;

function fileOf(uri: string, type: string, name: string | undefined, context: ContentContext): MediaPart | undefined {
  const source: MediaSource =
    googleFile.test(uri) || !/^https?:/i.test(uri)
      ? { kind: "file", id: uri, origin: "gemini" }
      : { kind: "url", url: uri, ...(type !== "" && { mediaType: type }) };
  return mediaOf(source, type, name, context);
}

function mediaOf(
  source: MediaSource,
  type: string,
  name: string | undefined,
  { path, losses }: ContentContext,
): MediaPart | undefined {
  if (type.startsWith("image/")) return { type: "image", source };
  if (type.startsWith("audio/")) return { type: "audio", source };
  if (type === "application/pdf" || type === "")
    return { type: "document", source, ...(name !== undefined && { name }) };
  losses.dropped(path, `only Google takes ${type}`);
  return undefined;
}

function decodeResult(value: unknown, context: ContentContext): ToolResultPart {
  const { path, calls, losses } = context;
  const fields = camelNames(objectAt(value, path));
  const name = textAt(fields["name"], `${path}.name`);
  const callId = calls.result(name, optionalText(fields["id"], `${path}.id`) ?? "");
  const { text, isError } = saidIn(fields["response"]);
  if (fields["willContinue"] === true) losses.dropped(`${path}.willContinue`, "a result comes once");
  const parts = optionalList(fields["parts"], `${path}.parts`).flatMap((part, index): readonly ResultPart[] => {
    const at = `${path}.parts[${index}]`;
    const media = decodeMedia(camelNames(objectAt(part, at)), { ...context, path: at });
    if (media === undefined || media.type !== "audio") return media === undefined ? [] : [media];
    losses.dropped(at, "a result has texts, images and documents");
    return [];
  });
  const texts: readonly ResultPart[] = text === "" ? [] : [{ type: "text", text }];
  return { type: "tool_result", callId, kind: "function", parts: [...texts, ...parts], isError };
}

/** What a function returned. By custom it stands under `output`, and what went wrong under `error`; else all of it is meant. */
function saidIn(response: unknown): { readonly text: string; readonly isError: boolean } {
  const fields = fieldsOf(response);
  const names = Object.keys(fields);
  const [only] = names.length === 1 ? names : [];
  const isError = only === "error" || ("error" in fields && !("output" in fields) && isSaid(fields["error"]));
  if (only === "output" || only === "result" || only === "error") return { text: textOf(fields[only]), isError };
  return { text: isObject(response) && names.length > 0 ? JSON.stringify(response) : textOf(response), isError };
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== "";
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (isObject(value) && Object.keys(value).length === 0) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
