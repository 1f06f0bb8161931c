import { AppError } from "../../kernel/errors.ts";
import {
  type Edit,
  readBoolean,
  readValue,
  requestRules,
  type ScannedObject,
  scanObject,
  watchKeys,
} from "../../kernel/json-scan.ts";
import type { UsageRequest } from "../dialect.ts";
import { createUsageChunkFilter } from "./usage-filter.ts";

/** Two options are known. */
const mostOptionBytes = 64 * 1024;
const optionKeys = watchKeys("include_usage");

/** A streamed reply states its usage only if asked to; then it comes in a chunk of its own, the last one. */
export function askForUsage(body: Buffer, fields: ScannedObject): UsageRequest | undefined {
  if (readBoolean(body, fields.get("stream")) !== true) return undefined;
  const edit = includeUsage(body, fields);
  return edit === undefined ? undefined : { edits: [edit], filter: createUsageChunkFilter };
}

function includeUsage(body: Buffer, fields: ScannedObject): Edit | undefined {
  const span = fields.get("stream_options");
  if (span === undefined) return insertion(fields, '"stream_options":{"include_usage":true}');
  if (span.end - span.start > mostOptionBytes) {
    throw new AppError("invalid_request", { problem: `\`stream_options\` may have ${mostOptionBytes} bytes` });
  }
  const options = readValue(body, span);
  if (options === null) return { ...span, replacement: Buffer.from('{"include_usage":true}') };
  if (typeof options !== "object" || Array.isArray(options)) return undefined; // the provider will say what is wrong
  const scanned = scanObject(body, optionKeys, requestRules, span);
  const asked = scanned.get("include_usage");
  if (asked === undefined) return insertion(scanned, '"include_usage":true');
  return readBoolean(body, asked) === true ? undefined : { ...asked, replacement: Buffer.from("true") };
}

function insertion({ insertAt, isEmpty }: ScannedObject, member: string): Edit {
  return { start: insertAt, end: insertAt, replacement: Buffer.from(isEmpty ? member : `${member},`) };
}
