import { AppError } from "../kernel/errors.ts";
import type { Span } from "../kernel/json-scan.ts";

/** Throws `invalid_form`. */
export function invalidForm(problem: string): AppError {
  return new AppError("invalid_form", { problem });
}

/** One parameter behind a header's value. In a quoted one, a backslash before a quote would be read in two ways. */
const parameter = /[ \t]*;[ \t]*([\w!#$%&'*+.^`|~-]+)=(?:([\w!#$%&'*+.^`|~-]+)|"((?:[^"\\]|\\(?!"))*)")/y;

/**
 * What a header's value begins with, in lower case, and its parameters; `undefined` if it cannot be read in one way only. Names
 * with a `*` (RFC 2231) are other spellings of those without, which most parsers do not know.
 */
function parseValue(text: string): { readonly value: string; readonly parameters: Map<string, string> } | undefined {
  const value = /^[^;]*/.exec(text)?.[0] ?? "";
  const parameters = new Map<string, string>();
  parameter.lastIndex = value.length;
  while (parameter.lastIndex < text.length) {
    const match = parameter.exec(text);
    const name = match?.[1]?.toLowerCase();
    if (name === undefined || parameters.has(name) || (name.includes("*") && name !== "filename*")) return undefined;
    parameters.set(name, match?.[2] ?? match?.[3] ?? "");
  }
  return { value: value.trim().toLowerCase(), parameters };
}

/** RFC 2046 §5.1.1, without the space. */
const boundaryForm = /^[\w'()+,./:=?-]{1,70}$/;

/** The boundary that a request's `content-type` states. Throws `unsupported_media_type` and `invalid_form`. */
export function boundaryOf(contentType: string | undefined): string {
  const wanted = "multipart/form-data";
  const essence = (contentType ?? "nothing").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (essence !== wanted) throw new AppError("unsupported_media_type", { wanted, got: essence });
  const boundary = parseValue(contentType ?? "")?.parameters.get("boundary");
  if (boundary === undefined || !boundaryForm.test(boundary)) {
    throw invalidForm("the header `content-type` states no boundary, or one that is not allowed");
  }
  return boundary;
}

/** The head of one part (RFC 7578 §4). */
export interface PartHead {
  readonly name: string;
  readonly isFile: boolean;
  /** Without parameters, in lower case. */
  readonly contentType: string | undefined;
  /** The part's own `content-length`, which some clients give, and where its digits lie in the head. */
  readonly statedBytes: number | undefined;
  readonly statedAt: Span | undefined;
}

const maxHeaders = 8;
/** What the fields of these APIs are called; no parser has a second reading of such a name. */
const nameForm = /^[\w.:[\]-]{1,100}$/;
/** Anything else, such as base64, some servers undo and others do not. */
const plainEncodings: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);

/** Reads the lines of a head, each with its line end. Throws `invalid_form`. */
export function parsePartHead(bytes: Buffer): PartHead {
  const headers = parseHeaders(bytes.toString("latin1"));
  const disposition = parseValue(headers.get("content-disposition")?.value ?? "");
  const name = disposition?.parameters.get("name");
  if (disposition?.value !== "form-data" || name === undefined) {
    throw invalidForm("a part's `content-disposition` does not say which field it is");
  }
  if (!nameForm.test(name)) throw invalidForm("a field's name has characters that are not allowed");
  const encoding = headers.get("content-transfer-encoding")?.value.toLowerCase() ?? "binary";
  if (!plainEncodings.has(encoding)) throw invalidForm(`the field \`${name}\` is encoded`);
  return {
    name,
    isFile: disposition.parameters.has("filename") || disposition.parameters.has("filename*"),
    contentType: contentTypeOf(headers.get("content-type")?.value),
    ...lengthOf(headers.get("content-length")),
  };
}

function lengthOf(header: Header | undefined): Pick<PartHead, "statedBytes" | "statedAt"> {
  if (header === undefined) return { statedBytes: undefined, statedAt: undefined };
  if (!/^\d{1,15}$/.test(header.value)) throw invalidForm("a part's length is not a number");
  return { statedBytes: Number(header.value), statedAt: header.at };
}

function contentTypeOf(text: string | undefined): string | undefined {
  const type = text?.split(";", 1)[0]?.trim().toLowerCase();
  if (type?.startsWith("multipart/") === true) throw invalidForm("a part holds parts itself");
  return type;
}

interface Header {
  readonly value: string;
  readonly at: Span;
}

/** Each header at most once, on a line of its own, in characters that can be shown. */
function parseHeaders(text: string): ReadonlyMap<string, Header> {
  const headers = new Map<string, Header>();
  let lineStart = 0;
  for (const line of text.split("\r\n").slice(0, -1)) {
    const match = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    const name = match?.[1]?.toLowerCase();
    const value = match?.[2]?.replaceAll(/^[ \t]+|(?<![ \t])[ \t]+$/g, "");
    if (name === undefined || value === undefined) throw invalidForm("a part's head has a line that is no header");
    if (headers.has(name)) throw invalidForm(`a part's head gives \`${name}\` twice`);
    const start = lineStart + line.lastIndexOf(value);
    headers.set(name, { value, at: { start, end: start + value.length } });
    if (headers.size > maxHeaders) throw invalidForm(`a part's head has more than ${maxHeaders} lines`);
    lineStart += line.length + 2;
  }
  return headers;
}
