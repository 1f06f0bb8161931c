import type { JsonObject } from "./wire.ts";

/** A file as it stands in a form. */
export interface UploadedFile {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Buffer;
}

export function isFile(value: unknown): value is UploadedFile {
  return typeof value === "object" && value !== null && "filename" in value;
}

/**
 * The fields of a form, as a vendor's server reads them: a text, a file, or a list where a name came more than once or ends
 * in `[]`. `undefined` if it is not a whole form.
 */
export function parseForm(contentType: string, bytes: Buffer): JsonObject | undefined {
  const boundary = /^multipart\/form-data;.*\bboundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (boundary === undefined) return undefined;
  const parts = partsOf(bytes, `--${boundary}`);
  const fields: Record<string, unknown> = {};
  for (const part of parts ?? []) {
    const field = parsePart(part);
    if (field === undefined) return undefined;
    const name = field.name.replace(/\[\]$/, "");
    const before = fields[name];
    if (before === undefined && name === field.name) fields[name] = field.value;
    else fields[name] = [...(Array.isArray(before) ? before : before === undefined ? [] : [before]), field.value];
  }
  return parts === undefined ? undefined : fields;
}

/** What lies between the delimiters. */
function partsOf(bytes: Buffer, delimiter: string): readonly Buffer[] | undefined {
  const parts: Buffer[] = [];
  if (!bytes.subarray(0, delimiter.length).equals(Buffer.from(delimiter))) return undefined;
  let at = delimiter.length;
  while (bytes.toString("latin1", at, at + 2) === "\r\n") {
    const next = bytes.indexOf(`\r\n${delimiter}`, at);
    if (next < 0) return undefined;
    parts.push(bytes.subarray(at + 2, next));
    at = next + 2 + delimiter.length;
  }
  return bytes.toString("latin1", at, at + 2) === "--" ? parts : undefined;
}

function parsePart(part: Buffer): { readonly name: string; readonly value: string | UploadedFile } | undefined {
  const headEnd = part.indexOf("\r\n\r\n");
  const head = part.toString("utf8", 0, Math.max(0, headEnd));
  const name = /^content-disposition: *form-data;(?:.*;)? *name="?([^";\r]*)/im.exec(head)?.[1];
  if (headEnd < 0 || name === undefined) return undefined;
  const bytes = part.subarray(headEnd + 4);
  const filename = /\bfilename="([^"]*)"/i.exec(head)?.[1];
  if (filename === undefined) return { name, value: bytes.toString("utf8") };
  const contentType = /^content-type: *(.+)$/im.exec(head)?.[1] ?? "application/octet-stream";
  return { name, value: { filename, contentType, bytes } };
}
