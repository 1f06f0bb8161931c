import { receiveBody, type BodyLimits } from "./body.ts";
import { boundaryOf } from "./form-head.ts";
import { FormParser, type Form } from "./form.ts";
import type { HttpRequest } from "./http.ts";
import type { Spool } from "./spool.ts";

/**
 * Reads a form into a spool, every byte as it comes, and finds the watched fields. Throws what `receiveBody`,
 * `FormParser` and `Spool.append` throw, and `unsupported_media_type`.
 */
export async function readForm(
  request: HttpRequest,
  limits: BodyLimits,
  spool: Spool,
  watched: readonly string[],
): Promise<Form> {
  const parser = new FormParser(boundaryOf(request.headers["content-type"]), watched);
  await receiveBody(request, limits, (chunk) => {
    parser.push(chunk);
    return spool.append(chunk);
  });
  return parser.end();
}
