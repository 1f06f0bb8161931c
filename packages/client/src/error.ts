import type { ErrorCode, Problem } from "@portcullis/contract";

/**
 * Why a call did not get its reply. Besides the codes of the gateway: `unreachable` (nothing answers at the address),
 * `timeout` (no full answer in time), `unexpected_reply` (something answers that does not speak this API).
 */
export type PortcullisErrorCode = ErrorCode | "unreachable" | "timeout" | "unexpected_reply";

/** Every failure of a call. Neither its texts nor its cause hold the token or what was sent. */
export class PortcullisError extends Error {
  override readonly name = "PortcullisError";
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** One of `PortcullisErrorCode`, or one that a newer gateway knows. */
  readonly code: PortcullisErrorCode | (string & {});
  readonly title: string;
  readonly detail: string | undefined;
  readonly hint: string | undefined;
  /** Under which the gateway's log has the request. */
  readonly requestId: string | undefined;

  constructor(problem: {
    readonly status: number;
    readonly code: PortcullisErrorCode | (string & {});
    readonly title: string;
    readonly detail?: string | undefined;
    readonly hint?: string | undefined;
    readonly requestId?: string | undefined;
  }) {
    super(problem.detail ?? problem.title);
    this.status = problem.status;
    this.code = problem.code;
    this.title = problem.title;
    this.detail = problem.detail;
    this.hint = problem.hint;
    this.requestId = problem.requestId;
  }
}

/** The error that an `application/problem+json` body stands for; `undefined` if it is not one of the gateway's. */
export function errorFromProblem(status: number, body: unknown): PortcullisError | undefined {
  if (!isProblem(body)) return undefined;
  const { code, title, detail, hint, request_id: requestId } = body;
  return new PortcullisError({ status, code, title, detail, hint, requestId });
}

function isProblem(body: unknown): body is Problem {
  if (typeof body !== "object" || body === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...body };
  const optional = ["detail", "hint", "request_id"];
  return (
    typeof fields["code"] === "string" &&
    typeof fields["title"] === "string" &&
    optional.every((name) => fields[name] === undefined || typeof fields[name] === "string")
  );
}
