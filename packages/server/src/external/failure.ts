import { AppError } from "../kernel/errors.ts";
import type { HttpReply } from "./http.ts";

/** Raised inside the resolver when plain http would leave for a public address. */
export class PublicAddress extends Error {
  override readonly name = "PublicAddress";
}

interface Asked {
  readonly host: string;
  readonly what: string;
  readonly seconds: number;
}

/** What an error of the HTTP client means. Nothing of the exchange itself is repeated. */
export function httpFailure(error: unknown, { host, what, seconds }: Asked): AppError {
  if (error instanceof AppError) return error;
  const cause = { cause: error };
  const { name = "", code = "" } = innermost(error) ?? {};
  if (/^UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT$/.test(code) || name === "TimeoutError") {
    return new AppError("external_timeout", { host, seconds }, cause);
  }
  if (name === "HTTPParserError" || code === "UND_ERR_HEADERS_OVERFLOW") {
    return new AppError(
      "external_unreadable",
      { host, what, problem: "it is not HTTP, or its head is too large" },
      cause,
    );
  }
  return new AppError("external_unreachable", { host, problem: reachProblem(error) }, cause);
}

const problems: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name is not known",
  EAI_AGAIN: "its name cannot be looked up at the moment",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it broke off the connection",
  UND_ERR_SOCKET: "it broke off the connection",
  EHOSTUNREACH: "there is no way to it",
  ENETUNREACH: "there is no way to it",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
  CERT_HAS_EXPIRED: "its certificate has expired",
};

function reachProblem(error: unknown): string {
  const found = innermost(error);
  if (found instanceof PublicAddress) return found.message;
  const code = found?.code ?? "unknown";
  if (problems[code] !== undefined) return problems[code];
  return /CERT|SIGNATURE|ISSUER/.test(code)
    ? `its certificate is not trusted (${code}); name its authority in the CA file`
    : `the connection failed (${code})`;
}

function innermost(error: unknown): (Error & { readonly code?: string }) | undefined {
  if (error instanceof PublicAddress) return error;
  const inner =
    error instanceof AggregateError ? (error.errors[0] as unknown) : error instanceof Error ? error.cause : undefined;
  if (inner instanceof Error) return innermost(inner) ?? undefined;
  return error instanceof Error ? error : undefined;
}

/**
 * The error for a reply that is no success. `reason`: the vendor's own short name of the error, if its shape is one: any
 * other text of the reply could hold what was asked for.
 */
export function statusFailure(
  { host, what }: Omit<Asked, "seconds">,
  { status }: HttpReply,
  reason?: unknown,
): AppError {
  const known = typeof reason === "string" && /^[A-Za-z][A-Za-z0-9_.]{2,63}$/.test(reason) ? `, ${reason}` : "";
  const values = { host, what, status, reason: known };
  if (status === 401 || status === 403) return new AppError("external_refused", values);
  if (status === 404) return new AppError("external_not_found", values);
  if (status >= 300 && status < 400)
    return new AppError("external_failed", { ...values, reason: ", a redirect, which is not followed" });
  return new AppError("external_failed", values);
}

/** The JSON of a reply; `undefined` for an empty one. */
export function parsedReply({ host, what }: Omit<Asked, "seconds">, { text }: HttpReply): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // Without the cause: V8 quotes the text in its message.
    throw new AppError("external_unreadable", { host, what, problem: "it is not JSON" });
  }
}
