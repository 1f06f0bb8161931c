import type { IncomingMessage } from "node:http";
import { AppError } from "../kernel/errors.ts";
import { checkHost, checkOrigin, type Allowed } from "./callers.ts";

/*
 * What a request head must not look like. Node's parser refuses what is no HTTP/1.1 at all; these are the heads it lets
 * through, though two programs on the way could read them differently (RFC 9112 §11), or though they ask for what is not
 * done here. The rules run in this order, for every request, before anything is decided about it.
 */
export type RequestHead = Pick<
  IncomingMessage,
  "method" | "url" | "headers" | "rawHeaders" | "httpVersionMajor" | "httpVersionMinor"
>;

export interface HeadRule {
  /** What is refused. */
  readonly name: string;
  readonly why: string;
  /** Whether it is in doubt where the request ends, or who sent it: then the connection is not used again. */
  readonly closes: boolean;
  /** A head that this rule refuses and no rule before it; line ends as `\n`, the empty line left out. */
  readonly example: string;
  /** The answer; `undefined` for a head that is in order. */
  check(request: RequestHead, allowed: Allowed): AppError | undefined;
}

/** RFC 9112 §3 asks for 8,000 at least. */
const targetLimitBytes = 8 * 1024;
/** Names and values; SDKs send about 20, proxies add a few. */
const headerLimit = 128;

const refused = (problem: string): AppError => new AppError("invalid_request", { problem });

export const headRules: readonly HeadRule[] = [
  {
    name: "another version of HTTP",
    why: "HTTP/0.9 has no headers and no framing; a request line may say 2.0 though what follows is not HTTP/2",
    closes: true,
    example: "GET / HTTP/2.0\nHost: localhost",
    check: ({ httpVersionMajor }) =>
      httpVersionMajor === 1 ? undefined : refused("only HTTP/1.0 and HTTP/1.1 are spoken here"),
  },
  {
    name: "a target that is too long",
    why: "every log and every program behind has to hold it",
    closes: true,
    example: `GET /${"x".repeat(targetLimitBytes)} HTTP/1.1\nHost: localhost`,
    check: ({ url = "" }) =>
      url.length > targetLimitBytes ? new AppError("target_too_long", { limit: targetLimitBytes }) : undefined,
  },
  {
    name: "a target that is no plain absolute path",
    why: "routes, limits and what is sent on are chosen by the path: it must mean the same to everyone, decoded or not",
    closes: true,
    example: "GET /v1/%2e%2e/api HTTP/1.1\nHost: localhost",
    check: ({ url = "" }) =>
      isPlainTarget(url) ? undefined : refused("the request target must be a plain absolute path"),
  },
  {
    name: "too many headers",
    why: "beyond some number they are dropped by one program and counted by another",
    closes: true,
    example: `GET / HTTP/1.1\nHost: localhost\n${"X: y\n".repeat(headerLimit)}X: y`,
    check: ({ rawHeaders }) => (rawHeaders.length > 2 * headerLimit ? new AppError("head_too_large") : undefined),
  },
  {
    name: "a deciding header that came twice",
    why: "one program takes the first, another the last, a third both",
    closes: true,
    example: "GET / HTTP/1.1\nHost: localhost\nAuthorization: a\nauthorization: b",
    check: ({ rawHeaders }) => {
      const name = repeatedHeader(rawHeaders);
      return name === undefined ? undefined : refused(`the header \`${name}\` came twice`);
    },
  },
  {
    name: "a header value beyond ASCII",
    why: "it has no one encoding (RFC 9110 §5.5): what is compared here may be other text elsewhere",
    closes: true,
    example: "GET / HTTP/1.1\nHost: localhost\nX-Name: caf\u00e9",
    check: ({ rawHeaders }) => {
      const name = headerBeyondAscii(rawHeaders);
      return name === undefined ? undefined : refused(`the header \`${name}\` holds other than ASCII characters`);
    },
  },
  {
    name: "a transfer encoding other than chunked, or in HTTP/1.0",
    why: "who does not know the encoding takes the body for the next request (RFC 9112 §6.1)",
    closes: true,
    example: "POST / HTTP/1.1\nHost: localhost\nTransfer-Encoding: gzip, chunked",
    check: ({ headers, httpVersionMinor }) => {
      const encoding = headers["transfer-encoding"];
      if (encoding === undefined) return undefined;
      if (encoding.toLowerCase() !== "chunked") return refused("the only transfer encoding taken is `chunked`");
      return httpVersionMinor === 0 ? refused("HTTP/1.0 has no transfer encodings") : undefined;
    },
  },
  {
    name: "a body where none belongs",
    why: "programs that read no body of a GET take it for the next request",
    closes: true,
    example: "GET / HTTP/1.1\nHost: localhost\nContent-Length: 3",
    check: ({ headers, method = "" }) => {
      if (method !== "GET" && method !== "HEAD") return undefined;
      const length = headers["content-length"];
      const empty = headers["transfer-encoding"] === undefined && (length === undefined || length === "0");
      return empty ? undefined : refused(`a ${method} request has no body`);
    },
  },
  {
    name: "an upgrade to another protocol",
    why: "what follows would pass every check behind a program that believes the upgrade was made",
    closes: true,
    example:
      "GET / HTTP/1.1\nHost: localhost\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABk",
    check: ({ headers }) =>
      headers.upgrade === undefined && headers["http2-settings"] === undefined
        ? undefined
        : refused("no upgrade is made here: make the client speak plain HTTP/1.1"),
  },
  {
    name: "a Connection header that names other headers",
    why: "`Connection: authorization` asks the next program to drop the very header that was checked here",
    closes: true,
    example: "GET / HTTP/1.1\nHost: localhost\nConnection: keep-alive, authorization",
    check: ({ headers: { connection } }) => {
      const option = unknownOption(connection);
      return option === undefined ? undefined : refused(`the connection option \`${option}\` is not taken`);
    },
  },
  {
    name: "an expectation other than 100-continue",
    why: "the sender waits for what will not come (RFC 9110 §10.1.1)",
    closes: true,
    example: "POST / HTTP/1.1\nHost: localhost\nContent-Length: 3\nExpect: 200-ok",
    check: ({ headers: { expect } }) =>
      expect === undefined || expect.toLowerCase() === "100-continue"
        ? undefined
        : new AppError("expectation_failed", { expectation: expect }),
  },
  {
    name: "a Host that is missing, malformed or not one of ours",
    why: "who takes `localhost@evil.example` for a host may go to either (RFC 9112 §3.2); and a web page can point a name of its own at this machine (DNS rebinding), but not an address",
    closes: true,
    example: "GET / HTTP/1.1\nHost: localhost@evil.example",
    check: ({ headers }, allowed) => checkHost(headers, allowed.hosts),
  },
  {
    name: "a web page of another site",
    why: "a browser sends its requests from anywhere, with the rights of the one who sits in front of it",
    closes: false,
    example: "GET / HTTP/1.1\nHost: localhost\nOrigin: https://evil.example",
    check: ({ headers }, allowed) => checkOrigin(headers, allowed.origins),
  },
  {
    name: "a compressed body",
    why: "nothing is decided by a body that was not read, and what a few bytes may swell to is not known beforehand",
    closes: false,
    example: "POST / HTTP/1.1\nHost: localhost\nContent-Length: 0\nContent-Encoding: gzip",
    check: ({ headers }) => {
      const encoding = headers["content-encoding"];
      const plain = encoding === undefined || encoding === "" || encoding.toLowerCase() === "identity";
      return plain ? undefined : new AppError("content_encoding_unsupported", { encoding });
    },
  },
];

/**
 * In a path: anything but a slash in front; what RFC 3986 does not allow there; what decodes, once or twice, to a dot, a
 * slash, a backslash or a control character; a segment that is empty, or that stands for this directory or the one above.
 */
const oddPath = /^(?!\/)|[^\w\-.~!$&'()*+,;=:@/%]|%(?:25)*(?:[01][0-9a-f]|2e|2f|5c|7f)|\/\/|\/\.(?:[./;]|$)/i;
const oddQuery = /[#\\]/;

function isPlainTarget(target: string): boolean {
  const question = target.indexOf("?");
  if (question === -1) return !oddPath.test(target);
  return !oddPath.test(target.slice(0, question)) && !oddQuery.test(target);
}

/** A bit for each header that decides something and may come once. */
const singles: ReadonlyMap<string, number> = new Map(
  [
    "host",
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "x-bf-vk",
    "x-litellm-api-key",
    "x-portkey-api-key",
    "x-portkey-provider",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "expect",
    "origin",
  ].map((name, index) => [name, 1 << index]),
);
const longestSingle = "x-portkey-provider".length;

function repeatedHeader(raw: readonly string[]): string | undefined {
  let seen = 0;
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (name.length > longestSingle) continue;
    const bit = singles.get(name) ?? singles.get(name.toLowerCase()) ?? 0;
    if ((seen & bit) !== 0) return name.toLowerCase();
    seen |= bit;
  }
  return undefined;
}

/** The parser takes bytes for Latin-1, and refuses control characters itself. */
function headerBeyondAscii(raw: readonly string[]): string | undefined {
  for (let index = 1; index < raw.length; index += 2) {
    if (/[\x80-\xff]/.test(raw[index] ?? "")) return raw[index - 1];
  }
  return undefined;
}

const connectionOptions: ReadonlySet<string> = new Set(["", "keep-alive", "close", "te"]);

function unknownOption(value: string | undefined): string | undefined {
  if (value === undefined || value === "keep-alive" || value === "close") return undefined;
  const options = value.split(",").map((option) => option.trim());
  return options.find((option) => !connectionOptions.has(option.toLowerCase()));
}
