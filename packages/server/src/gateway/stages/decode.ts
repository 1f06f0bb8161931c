import { AppError } from "../../kernel/errors.ts";
import {
  readBoolean,
  readString,
  requestRules,
  scanObject,
  watchKeys,
  type ScannedObject,
  type Span,
} from "../../kernel/json-scan.ts";
import type { IncomingMessage } from "node:http";

/** What the gateway reads of a request. The rest of the body is the provider's business and is not looked at. */
export interface Asked {
  readonly body: Buffer;
  readonly fields: ScannedObject;
  readonly model: string;
  /** Where the value of `model` lies in the body, quotes included. */
  readonly modelSpan: Span;
  readonly stream: boolean;
}

const watched = watchKeys("model", "stream", "stream_options");

/** Reads what routing needs out of a body. Throws `invalid_json`, `body_too_deep`, `missing_field`, `invalid_request`, `unsupported_media_type`. */
export function decode(request: IncomingMessage, body: Buffer): Asked {
  requireJson(request.headers["content-type"]);
  const fields = scanObject(body, watched, requestRules);
  const modelSpan = fields.get("model");
  if (modelSpan === undefined) throw new AppError("missing_field", { field: "model" });
  const model = readString(body, modelSpan);
  if (model === undefined || model === "" || model.length > 300) {
    throw new AppError("invalid_request", { problem: "the field `model` must be a model's name" });
  }
  const streamSpan = fields.get("stream");
  const stream = streamSpan === undefined ? false : readBoolean(body, streamSpan);
  return { body, fields, model, modelSpan, stream: stream ?? false };
}

/** JSON under another name could be sent by any web page without the browser asking first (a "simple" request). */
function requireJson(contentType: string | undefined): void {
  const type = contentType ?? "nothing";
  if (type === "application/json") return;
  const essence = (type.split(";")[0] ?? "").trim().toLowerCase();
  if (essence !== "application/json" && !/^application\/[\w.+-]+\+json$/.test(essence)) {
    throw new AppError("unsupported_media_type", { got: essence });
  }
}
