import { createHash, createHmac } from "node:crypto";
import type { HeaderValues } from "../encoding.ts";
import type { AwsCredentials } from "./options.ts";

// Signature Version 4 of AWS ("AWS4-HMAC-SHA256"), with the signature in the header `authorization`.

export interface Signable {
  readonly method: string;
  readonly url: URL;
  /** Besides `host` and `x-amz-…`, which are added. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface SigningScope {
  readonly region: string;
  readonly service: string;
  readonly credentials: AwsCredentials;
  readonly nowMs: number;
}

/** Every header of the request, `host` excepted, which is that of the URL. */
export function signedHeaders(request: Signable, scope: SigningScope): HeaderValues {
  const { sessionToken, secretAccessKey, accessKeyId } = scope.credentials;
  const time = `${new Date(scope.nowMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
  const date = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": time,
    ...(sessionToken === undefined ? {} : { "x-amz-security-token": sessionToken.reveal() }),
  };
  const { text, names } = canonical(request, { ...headers, host: request.url.host });
  const credentialScope = `${date}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, credentialScope, sha256(text)].join("\n");
  const key = [date, scope.region, scope.service, "aws4_request"].reduce<Buffer>(
    (parent, part) => hmac(parent, part),
    Buffer.from(`AWS4${secretAccessKey.reveal()}`, "utf8"),
  );
  const signature = hmac(key, toSign).toString("hex");
  key.fill(0);
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${credentialScope}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

function canonical(
  { method, url, body }: Signable,
  headers: Readonly<Record<string, string>>,
): { readonly text: string; readonly names: string } {
  const ordered = Object.entries(headers).sort(byFirst);
  const names = ordered.map(([name]) => name).join(";");
  const lines = ordered.map(([name, value]) => `${name}:${value.trim().replaceAll(/ +/g, " ")}\n`).join("");
  const text = [method, canonicalPath(url.pathname), canonicalQuery(url.searchParams), lines, names, sha256(body)].join(
    "\n",
  );
  return { text, names };
}

/** Services other than S3 sign the path encoded once more than it is sent. */
function canonicalPath(pathname: string): string {
  return pathname
    .replaceAll(/\/{2,}/g, "/")
    .split("/")
    .map(encoded)
    .join("/");
}

function canonicalQuery(query: URLSearchParams): string {
  const pairs = [...query].map(([name, value]): [string, string] => [encoded(name), encoded(value)]);
  return pairs
    .sort((a, b) => byFirst(a, b) || byText(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** RFC 3986: everything but letters, digits, `-`, `.`, `_` and `~`. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}

function byFirst(a: readonly [string, string], b: readonly [string, string]): number {
  return byText(a[0], b[0]);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sha256(data: string | Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}
