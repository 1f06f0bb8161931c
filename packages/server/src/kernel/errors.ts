import { errorCodes, type ErrorCode, type ErrorSpec } from "@portcullis/contract";
import { withoutKeys } from "./key-shapes.ts";

/** Values that fill the `{placeholders}` of a message or hint. */
export type ErrorValues = Readonly<Record<string, string | number>>;

/**
 * The one error type of the product. Status, log level and texts are properties of the code (see
 * `@portcullis/contract`, `error-codes.ts`), never of the place that throws.
 *
 * `message` and `hint` are shown to callers: they hold no secret, no internal path and no upstream body.
 * What only the operator may see goes into `detail` or `cause`, which reach the log and nothing else.
 */
export class AppError extends Error {
  override readonly name = "AppError";
  readonly code: ErrorCode;
  readonly status: number;
  readonly hint: string | undefined;
  readonly detail: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  /** What fills the texts, for an error that is made anew in another thread. */
  readonly values: ErrorValues;

  constructor(
    code: ErrorCode,
    values: ErrorValues = {},
    extra: { readonly cause?: unknown; readonly detail?: string; readonly retryAfterSeconds?: number } = {},
  ) {
    const spec: ErrorSpec = errorCodes[code];
    super(fill(spec.message, values), extra.cause === undefined ? undefined : { cause: extra.cause });
    this.code = code;
    this.values = values;
    this.status = spec.status;
    this.hint = spec.hint === undefined ? undefined : fill(spec.hint, values);
    this.detail = extra.detail;
    this.retryAfterSeconds = extra.retryAfterSeconds ?? spec.retryAfterSeconds;
  }

  get level(): ErrorSpec["level"] {
    return errorCodes[this.code].level;
  }
}

/** Turns anything thrown into an `AppError`; what we did not foresee becomes `internal`, with the cause kept for the log. */
export function asAppError(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError("internal", {}, { cause: thrown });
}

/** The text of anything thrown, for the operator's log. */
export function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const own =
    thrown instanceof AppError && thrown.detail !== undefined ? `${thrown.message} (${thrown.detail})` : thrown.message;
  return thrown.cause === undefined ? own : `${own}: ${describe(thrown.cause)}`;
}

/** Values come from outside: a key that was given in place of a name is not repeated. */
function fill(template: string, values: ErrorValues): string {
  return template.replace(/\{(\w+)\}/g, (whole, name: string) => withoutKeys(String(values[name] ?? whole)));
}
