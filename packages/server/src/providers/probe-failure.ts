import { AppError } from "../kernel/errors.ts";

/** What a status other than success means to whoever tests a provider; `undefined` for success. */
export function explainStatus(status: number, name: string, url: string, withKey: boolean): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400)
    return `${url} answered with a redirect, which is not followed; check the base URL`;
  if (status === 401 || status === 403)
    return withKey ? `${name} refused the key (status ${status})` : `${name} wants a key`;
  if (status === 400) return `${name} refused the request (status 400), most likely because the key is not valid`;
  if (status === 402) return `${name} accepts the key, but its account has no credit left (status 402)`;
  if (status === 404 || status === 405) return `there is nothing at ${url} (status ${status}); check the base URL`;
  if (status === 429) return `${name} answers, but takes no more requests at the moment (status 429)`;
  return `${name} answered with an error of its own (status ${status})`;
}

/** An HTML page, whatever its type says; what looks like JSON is left to the parser, whatever its type says. */
export function isWebPage(reply: {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}): boolean {
  const start = reply.body.toString("latin1", 0, 256);
  if (/^\s*<(?:!doctype|html)/i.test(start)) return true;
  return String(reply.headers["content-type"]).includes("text/html") && !/^\s*[[{]/.test(start);
}

/**
 * Why there was no answer. Only the code of an error is used, never its text, which may quote what was sent.
 * `undefined` for an error that is not about the network.
 */
export function explainFailure(error: unknown, name: string, url: string): string | undefined {
  const { host, hostname } = new URL(url);
  const code = findCode(error);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return `the name ${hostname} could not be resolved; check the base URL`;
  if (code === "ECONNREFUSED") return `nothing listens at ${host}; check the base URL, and that ${name} is running`;
  if (code !== undefined && /CERT|SELF_SIGNED|VERIFY_LEAF|TLS/.test(code))
    return `the certificate of ${host} is not valid (${code})`;
  if (error instanceof AppError && error.code.startsWith("upstream_")) {
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  }
  return code === undefined ? undefined : `${name} could not be reached (${code})`;
}

/** The code of the innermost cause that has one. */
function findCode(error: unknown): string | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return findCode(error.errors[0]);
  if (!(error instanceof Error)) return undefined;
  const own =
    !(error instanceof AppError) && "code" in error && typeof error.code === "string" ? error.code : undefined;
  return findCode(error.cause) ?? own;
}
