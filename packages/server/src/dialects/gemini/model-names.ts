import { AppError } from "../../kernel/errors.ts";
import {
  type Edit,
  readString,
  requestRules,
  type ScannedObject,
  scanValueInSlices,
  type Span,
  watchKeys,
} from "../../kernel/json-scan.ts";
import { ascii, skipSpace } from "../../kernel/json-token.ts";
import { nextTurn, sliceBytes } from "../../kernel/turns.ts";

/*
 * The model stands in the address, and some bodies name it again (`"model": "models/gemini-3-flash"`). Whatever they name,
 * the provider is told the model of the address, which is the one the caller was allowed.
 */

const modelKey = watchKeys("model");

/** A body that names the model at its top. */
export function findInRequest(_body: Buffer, fields: ScannedObject): readonly Span[] {
  return present([fields.get("model")]);
}

/** A count of what a whole request would use, which is one of the body's fields. */
export async function findInCount(body: Buffer, fields: ScannedObject): Promise<readonly Span[]> {
  const names = [fields.get("model")];
  for (const key of ["generateContentRequest", "generate_content_request"]) {
    const counted = fields.get(key);
    if (counted !== undefined) names.push((await scanPart(body, counted.start)).get("model"));
  }
  return present(names);
}

/** Google takes a hundred. */
const mostRequests = 1_000;

/** A batch, of which each request names the model. Throws `invalid_request` if there are too many. */
export async function findInBatch(body: Buffer, fields: ScannedObject): Promise<readonly Span[]> {
  const names = [fields.get("model")];
  const requests = fields.get("requests");
  if (requests === undefined || body[requests.start] !== ascii.openBracket) return present(names);
  let turnEnd = requests.start + sliceBytes;
  let from = skipSpace(body, requests.start + 1);
  for (let count = 0; from < requests.end - 1; count++) {
    if (count === mostRequests)
      throw new AppError("invalid_request", { problem: `a batch may hold ${mostRequests} requests` });
    const request = await scanPart(body, from);
    names.push(request.get("model"));
    from = skipSpace(body, request.end) + 1;
    if (from < turnEnd) continue;
    await nextTurn();
    turnEnd = from + sliceBytes;
  }
  return present(names);
}

/** The part is scanned by itself: a key may stand in it twice that the scan of the whole did not look for. */
function scanPart(body: Buffer, from: number): ReturnType<typeof scanValueInSlices> {
  return scanValueInSlices(body, from, modelKey, requestRules);
}

function present(spans: readonly (Span | undefined)[]): readonly Span[] {
  return spans.filter((span) => span !== undefined);
}

/** Names that are texts are made those of the address. */
export function renameModel(body: Buffer, model: string, names: readonly Span[]): readonly Edit[] {
  const replacement = Buffer.from(JSON.stringify(`models/${model}`));
  const right = [model, `models/${model}`];
  return names
    .filter((span) => body[span.start] === ascii.quote && !right.includes(nameAt(body, span)))
    .map((span) => ({ ...span, replacement }));
}

/** Longer than any address. */
const mostNameBytes = 64 * 1024;

function nameAt(body: Buffer, span: Span): string {
  return span.end - span.start > mostNameBytes ? "" : (readString(body, span) ?? "");
}
