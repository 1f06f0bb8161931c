import { AppError } from "../../kernel/errors.ts";
import { ascii, skipSpace } from "../../kernel/json-token.ts";
import {
  type Edit,
  readString,
  requestRules,
  scanObject,
  type ScannedObject,
  type Span,
  valueAt,
  watchKeys,
} from "../../kernel/json-scan.ts";

/*
 * The model stands in the address, and some bodies name it again (`"model": "models/gemini-3-flash"`). Whatever they name,
 * the provider is told the model of the address, which is the one the caller was allowed.
 */

const modelKey = watchKeys("model");
const countKeys = watchKeys("generateContentRequest", "generate_content_request");
const batchKeys = watchKeys("requests");

/** A body that names the model at its top. */
export function renameInRequest(body: Buffer, model: string, fields: ScannedObject): readonly Edit[] {
  return editOf(body, fields.get("model"), model);
}

/** A count of what a whole request would use, which is one of the body's fields. */
export function renameInCount(body: Buffer, model: string, fields: ScannedObject): readonly Edit[] {
  const counted = scanObject(body, countKeys, requestRules);
  const spans = countKeys.names.map((name) => counted.get(name));
  return [...renameInRequest(body, model, fields), ...spans.flatMap((span) => editsWithin(body, span, model))];
}

/** A batch, of which each request names the model. Throws `invalid_request` if it is too large to look through. */
export function renameInBatch(body: Buffer, model: string, fields: ScannedObject): readonly Edit[] {
  const requests = scanObject(body, batchKeys, requestRules).get("requests");
  const edits = elementsOf(body, requests).flatMap((span) => editsWithin(body, span, model));
  return [...renameInRequest(body, model, fields), ...edits];
}

/** The part is scanned by itself: a scan looks at everything before its part, which a large batch could not afford. */
function editsWithin(body: Buffer, part: Span | undefined, model: string): readonly Edit[] {
  if (part === undefined || body[part.start] !== ascii.openBrace) return [];
  const bytes = body.subarray(part.start, part.end);
  const edits = editOf(bytes, scanObject(bytes, modelKey, requestRules).get("model"), model);
  return edits.map(({ start, end, replacement }) => ({
    start: part.start + start,
    end: part.start + end,
    replacement,
  }));
}

function editOf(bytes: Buffer, span: Span | undefined, model: string): readonly Edit[] {
  const named = readString(bytes, span);
  if (span === undefined || named === undefined || named === `models/${model}` || named === model) return [];
  return [{ ...span, replacement: Buffer.from(JSON.stringify(`models/${model}`)) }];
}

/** Google takes a hundred. Each costs microseconds, in which nobody else is served. */
const mostRequests = 10_000;

/** Where the elements of an array lie; none of what is no array. */
function elementsOf(bytes: Buffer, array: Span | undefined): readonly Span[] {
  const spans: Span[] = [];
  if (array === undefined || bytes[array.start] !== ascii.openBracket) return spans;
  for (let from = array.start + 1; from < array.end; ) {
    const element = valueAt(bytes, from);
    if (element === undefined) break;
    if (spans.length === mostRequests) {
      throw new AppError("invalid_request", { problem: `a batch may hold ${mostRequests} requests` });
    }
    spans.push(element);
    from = skipSpace(bytes, element.end) + 1;
  }
  return spans;
}
