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
import type { DialectRoute } from "../../dialects/index.ts";
import type { Exchange } from "../exchange.ts";

/** What the gateway reads of a request. The rest of the body is the provider's business and is not looked at. */
export interface Asked {
  readonly body: Buffer;
  readonly fields: ScannedObject;
  readonly model: string;
  /** Where the value of `model` lies in the body, quotes included; undefined where it stands in the path. */
  readonly modelSpan: Span | undefined;
  readonly stream: boolean;
}

const watched = watchKeys("model", "stream", "stream_options");

/** Reads what routing needs out of a body. Throws `invalid_json`, `body_too_deep`, `missing_field`, `invalid_request`, `unsupported_media_type`. */
export function decode({ request, route, modelInPath }: Exchange, body: Buffer): Asked {
  requireJson(request.headers["content-type"]);
  const fields = scanObject(body, watched, requestRules);
  const modelSpan = modelInPath === "" ? fields.get("model") : undefined;
  if (modelSpan === undefined && modelInPath === "") throw new AppError("missing_field", { field: "model" });
  const model = modelSpan === undefined ? modelInPath : readString(body, modelSpan);
  if (model === undefined || model === "" || model.length > 300) {
    throw new AppError("invalid_request", { problem: "the field `model` must be a model's name" });
  }
  return { body, fields, model, modelSpan, stream: isStreamed(route, body, fields) };
}

function isStreamed({ streams }: DialectRoute, body: Buffer, fields: ScannedObject): boolean {
  if (streams === "always") return true;
  const span = streams === "never" ? undefined : fields.get("stream");
  const said = span === undefined ? undefined : readBoolean(body, span);
  return said ?? streams === "unless_declined";
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
