/** What is fixed about an error by its code alone. */
export interface ErrorSpec {
  /** The HTTP status this code is answered with. */
  readonly status: number;
  /** The level the operator's log shows it at. */
  readonly level: "info" | "warn" | "error";
  /** What is wrong, in the caller's words; `{name}` is filled in. */
  readonly message: string;
  /** What to do or type next. */
  readonly hint?: string;
  /** Seconds after which the same request may succeed, if that is known beforehand. */
  readonly retryAfterSeconds?: number;
}
