import { AppError } from "../../kernel/errors.ts";
import {
  readBoolean,
  readString,
  requestRules,
  scanObject,
  scanObjectInSlices,
  type ScannedObject,
  type Span,
} from "../../kernel/json-scan.ts";
import { sliceBytes } from "../../kernel/turns.ts";
import { bodyKeys, type DialectRoute } from "../../dialects/index.ts";
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
  /** Where else it is named. */
  readonly names: readonly Span[];
  readonly stream: boolean;
}

export interface AskedForm {
  readonly form: Form;
  /** The form's bytes. */
  readonly spool: Spool;
  readonly model: string;
  readonly stream: boolean;
}

const commonKeys = bodyKeys();
/** What is read of a form. */
export const watchedFields: readonly string[] = ["model", "stream"];

/** Finds in a body what its route needs. Throws `invalid_json`, `body_too_deep`. */
export function scanBody({ keys = commonKeys }: DialectRoute, body: Buffer): ScannedObject | Promise<ScannedObject> {
  const scan = body.length > sliceBytes ? scanObjectInSlices : scanObject;
  return scan(body, keys, requestRules);
}

/** Reads what routing needs out of a body. Throws `missing_field`, `invalid_request`. */
export function decode({ route, nameInPath }: Exchange, body: Buffer, fields: ScannedObject): AskedJson {
  const modelSpan = nameInPath === "" ? fields.get("model") : undefined;
  if (modelSpan === undefined && nameInPath === "") throw new AppError("missing_field", { field: "model" });
  const model = modelSpan === undefined ? nameInPath : nameAt(body, modelSpan);
  return { body, fields, model: modelName(model), modelSpan, names: [], stream: isStreamed(route, body, fields) };
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

const mostCharacters = 300;
/** Each may be written as an escape of six bytes, between quotes. */
const mostBytes = mostCharacters * 6 + 2;

function nameAt(body: Buffer, span: Span): string | undefined {
  return span.end - span.start > mostBytes ? undefined : readString(body, span);
}

function modelName(text: string | undefined): string {
  if (text !== undefined && text !== "" && text.length <= mostCharacters) return text;
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
