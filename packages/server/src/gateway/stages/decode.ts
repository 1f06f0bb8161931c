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
import type { Form, Spool } from "../../ingress/index.ts";
import type { Exchange } from "../exchange.ts";

/** What the gateway reads of a request. The rest of the body is the provider's business and is not looked at. */
export type Asked = AskedJson | AskedForm;

export interface AskedJson {
  /** As the caller sent it, until it is prepared for the provider; it may be changed in place then. */
  readonly body: Buffer;
  readonly fields: ScannedObject;
  readonly model: string;
  /** Where the value of `model` lies in the body, quotes included; undefined where it stands in the path. */
  readonly modelSpan: Span | undefined;
  readonly stream: boolean;
}

export interface AskedForm {
  readonly form: Form;
  /** The form's bytes. */
  readonly spool: Spool;
  readonly model: string;
  readonly stream: boolean;
}

const watched = watchKeys("model", "stream", "stream_options");
/** The same in a form. */
export const watchedFields: readonly string[] = ["model", "stream"];

/** Reads what routing needs out of a body. Throws `invalid_json`, `body_too_deep`, `missing_field`, `invalid_request`. */
export function decode({ route, nameInPath }: Exchange, body: Buffer): AskedJson {
  const fields = scanObject(body, watched, requestRules);
  const modelSpan = nameInPath === "" ? fields.get("model") : undefined;
  if (modelSpan === undefined && nameInPath === "") throw new AppError("missing_field", { field: "model" });
  const model = modelName(modelSpan === undefined ? nameInPath : readString(body, modelSpan));
  return { body, fields, model, modelSpan, stream: isStreamed(route, body, fields) };
}

/** The same for a form. Throws `missing_field`, `invalid_request`. */
export function decodeForm(form: Form, spool: Spool): AskedForm {
  const field = form.field("model");
  if (field === undefined) throw new AppError("missing_field", { field: "model" });
  return {
    form,
    spool,
    model: modelName(field.value),
    stream: /^(?:true|1)$/i.test(form.field("stream")?.value ?? ""),
  };
}

function modelName(text: string | undefined): string {
  if (text !== undefined && text !== "" && text.length <= 300) return text;
  throw new AppError("invalid_request", { problem: "the field `model` must be a model's name" });
}

function isStreamed({ streams }: DialectRoute, body: Buffer, fields: ScannedObject): boolean {
  if (streams === "always") return true;
  const span = streams === "never" ? undefined : fields.get("stream");
  const said = span === undefined ? undefined : readBoolean(body, span);
  return said ?? streams === "unless_declined";
}

/** JSON under another name could be sent by any web page without the browser asking first (a "simple" request). */
export function requireJson(contentType: string | undefined): void {
  const type = contentType ?? "nothing";
  if (type === "application/json") return;
  const essence = (type.split(";")[0] ?? "").trim().toLowerCase();
  if (essence !== "application/json" && !/^application\/[\w.+-]+\+json$/.test(essence)) {
    throw new AppError("unsupported_media_type", { wanted: "application/json", got: essence });
  }
}
