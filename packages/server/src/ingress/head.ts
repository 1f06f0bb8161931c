import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { AppError } from "../kernel/errors.ts";

/** What is wrong with a request head, or `undefined`. `closes`: the framing is in doubt, so the connection is not used again. */
export interface HeadProblem {
  readonly error: AppError;
  readonly closes: boolean;
}

export interface HeadRules {
  /** Host names (without port, lower case) this listener answers to, beside loopback names and IP literals. */
  readonly hosts: ReadonlySet<string>;
  /** Web origins (`https://console.example.com`) that may call from a browser, beside the page's own origin. */
  readonly origins: ReadonlySet<string>;
}

/**
 * Refuses what Node's parser lets through but two programs could read in two ways, then who may call: the Host list
 * keeps out web pages that point a name of theirs at this machine (DNS rebinding; an IP literal cannot be
 * rebound), the Origin rule keeps out pages of other sites. Runs before anything is decided about a request.
 */
export function checkHead(request: IncomingMessage, rules: HeadRules): HeadProblem | undefined {
  for (const check of checks) {
    const problem = check(request);
    if (problem !== undefined) return { error: new AppError("invalid_request", { problem }), closes: true };
  }
  const error = checkHost(request, rules) ?? checkOrigin(request, rules);
  return error === undefined ? undefined : { error, closes: false };
}

type Check = (request: IncomingMessage) => string | undefined;

const checks: readonly Check[] = [checkVersion, checkTarget, checkSingleHeaders, checkFraming, checkConnection];

function checkVersion(request: IncomingMessage): string | undefined {
  return request.httpVersionMajor === 1 ? undefined : "only HTTP/1.0 and HTTP/1.1 are spoken here";
}

const targetProblem = /^[^/]|[\\#]|%2e|%2f|%5c|%00/i;

function checkTarget(request: IncomingMessage): string | undefined {
  const target = request.url ?? "";
  const question = target.indexOf("?");
  const path = question === -1 ? target : target.slice(0, question);
  if (targetProblem.test(path) || path.includes("//") || path.includes("/..") || path.includes("/./")) {
    return "the request target must be a plain absolute path";
  }
  return target.includes("#") ? "the request target must not hold a fragment" : undefined;
}

const singles: ReadonlySet<string> = new Set([
  "host",
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "content-type",
  "content-length",
  "transfer-encoding",
  "origin",
]);

function checkSingleHeaders(request: IncomingMessage): string | undefined {
  let seen: string | undefined;
  const raw = request.rawHeaders;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length > 17) continue;
    const lower = name.toLowerCase();
    if (!singles.has(lower)) continue;
    const mark = ` ${lower} `;
    if (seen === undefined) seen = mark;
    else if (seen.includes(mark)) return `the header \`${lower}\` came twice`;
    else seen += mark;
  }
  return undefined;
}

function checkFraming(request: IncomingMessage): string | undefined {
  const encoding = request.headers["transfer-encoding"];
  const length = request.headers["content-length"];
  if (encoding !== undefined && encoding.toLowerCase() !== "chunked")
    return "the only transfer encoding taken is `chunked`";
  if (encoding !== undefined && length !== undefined) return "a request has a length or is chunked, not both";
  const bodyless = request.method === "GET" || request.method === "HEAD";
  if (bodyless && (encoding !== undefined || (length !== undefined && length !== "0"))) {
    return `a ${request.method ?? ""} request has no body`;
  }
  return undefined;
}

const connectionOptions: ReadonlySet<string> = new Set(["keep-alive", "close", "upgrade", "http2-settings", "te"]);

/** `Connection: authorization` would ask the next hop to drop the very header that was checked here. */
function checkConnection(request: IncomingMessage): string | undefined {
  const value = request.headers.connection;
  if (value === undefined || value === "keep-alive" || value === "close") return undefined;
  const unknown = value.split(",").find((option) => !connectionOptions.has(option.trim().toLowerCase()));
  return unknown === undefined ? undefined : `the connection option \`${unknown.trim()}\` is not taken`;
}

const hostShape = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/;
const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

function checkHost(request: IncomingMessage, rules: HeadRules): AppError | undefined {
  const host = (request.headers.host ?? "").toLowerCase();
  const name = hostShape.exec(host)?.[1];
  if (name === undefined) return new AppError("host_not_allowed", { host });
  const allowed = loopbackNames.has(name) || rules.hosts.has(name) || isIP(name.replace(/^\[|\]$/g, "")) !== 0;
  return allowed ? undefined : new AppError("host_not_allowed", { host });
}

function checkOrigin(request: IncomingMessage, rules: HeadRules): AppError | undefined {
  const origin = request.headers.origin;
  if (origin === undefined) {
    const site = request.headers["sec-fetch-site"];
    const foreign = site === "cross-site" || site === "same-site";
    return foreign ? new AppError("origin_not_allowed", { origin: "another site" }) : undefined;
  }
  if (rules.origins.has(origin)) return undefined;
  const own = origin === `http://${request.headers.host ?? ""}` || origin === `https://${request.headers.host ?? ""}`;
  return own ? undefined : new AppError("origin_not_allowed", { origin });
}
