import { lookup as systemLookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";
import type { Client } from "undici";
import { AppError } from "../kernel/errors.ts";
import { areHeaderValues, plainHeaders, type HeaderValues } from "./encoding.ts";
import { httpFailure, PublicAddress } from "./failure.ts";
import { readCertificates } from "./held-file.ts";

/*
 * The only way out of this process to services that are no providers: secret stores, key management, the metadata servers of
 * clouds. Their addresses come from the operator or are a vendor's own, never from a caller. One connection for each call;
 * redirects are answers like any other and never followed; no proxy from the environment; everything is bounded. Plain
 * http is for addresses that are not public: it is judged by the address that is connected to, not by its name.
 */

export interface HttpLimits {
  /** For a call as a whole, from connecting to the last byte; 5 s without it. */
  readonly timeoutMs?: number | undefined;
  /** The largest reply that is read; 1 MiB without it. */
  readonly maxReplyBytes?: number | undefined;
  /** Authorities (PEM) that are trusted instead of the system's. */
  readonly caFile?: string | undefined;
  /** Replaces the system's name resolution, in tests. */
  readonly lookup?: LookupFunction | undefined;
}

export interface HttpRequest {
  /** Where to, with path and query as they are sent. */
  readonly url: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly headers: HeaderValues;
  readonly body?: Buffer | undefined;
  /** For messages: what was asked for, never a value. */
  readonly what: string;
}

export interface HttpReply {
  readonly status: number;
  readonly text: string;
}

export type HttpCaller = (request: HttpRequest) => Promise<HttpReply>;

/**
 * A caller that answers with whatever status came. Throws `external_unreachable`, `external_timeout`,
 * `external_unreadable`.
 */
export function createHttpCaller(limits: HttpLimits = {}): HttpCaller {
  const timeoutMs = limits.timeoutMs ?? 5_000;
  return async (request) => {
    const url = checkedUrl(request);
    const client = await openClient(url, limits, timeoutMs);
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const reply = await client.request({
        path: url.pathname + url.search,
        method: request.method,
        headers: { ...plainHeaders(request.headers), "accept-encoding": "identity" },
        body: request.body ?? null,
        signal,
      });
      return { status: reply.statusCode, text: await readText(reply, limits.maxReplyBytes ?? 1_048_576, request, url) };
    } catch (error) {
      throw httpFailure(error, { host: url.host, what: request.what, seconds: timeoutMs / 1_000 });
    } finally {
      await client.destroy();
    }
  };
}

function checkedUrl({ url: text, headers, what }: HttpRequest): URL {
  const url = requireUrl(text, what);
  const unreachable = (problem: string): AppError => new AppError("external_unreachable", { host: url.host, problem });
  if (url.protocol !== "https:" && url.protocol !== "http:") throw unreachable("its address is neither https nor http");
  const address = url.hostname.replace(/^\[|\]$/g, "");
  if (url.protocol === "http:" && isIP(address) !== 0 && isPublic(address)) throw unreachable(plainToPublic);
  if (areHeaderValues(headers)) return url;
  throw new AppError("external_unconfigured", {
    problem: `what is to prove this gateway to ${url.host} holds characters that no such token has, so it was not sent`,
    advice: "write it anew, without line breaks and anything else around it",
  });
}

/** Throws `external_unconfigured`. The text is not repeated: some addresses hold passwords. */
export function requireUrl(text: string, what: string): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  const problem = `the address for ${what} is no web address`;
  throw new AppError("external_unconfigured", { problem, advice: "an address looks like https://vault.lan:8200" });
}

const plainToPublic = "plain http is not spoken to a public address; use https";

async function openClient(url: URL, { caFile, lookup }: HttpLimits, timeoutMs: number): Promise<Client> {
  const resolve = lookup ?? systemLookup;
  const ca = caFile === undefined ? undefined : await readCertificates(caFile);
  const { Client } = await import("undici"); // only where it is used: most gateways ask no such service
  return new Client(url.origin, {
    allowH2: false,
    pipelining: 0,
    maxHeaderSize: 32 * 1024,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: {
      timeout: timeoutMs,
      autoSelectFamily: true,
      lookup: url.protocol === "http:" ? privateLookup(resolve) : resolve,
      ...(ca === undefined ? {} : { ca }),
    },
  });
}

/** Finds only addresses that are not public. */
function privateLookup(resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, "", 0);
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const near = all.filter(({ address }) => !isPublic(address));
      const first = near[0];
      if (first === undefined) return callback(new PublicAddress(plainToPublic), "", 0);
      if (options.all === true) return callback(null, near);
      return callback(null, first.address, first.family);
    });
  };
}

const notPublic = new BlockList();
for (const [network, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const) {
  notPublic.addSubnet(network, prefix, "ipv4");
}
notPublic.addAddress("::1", "ipv6");
notPublic.addSubnet("fc00::", 7, "ipv6");
notPublic.addSubnet("fe80::", 10, "ipv6");

function isPublic(address: string): boolean {
  return !notPublic.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

interface UndiciReply {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: AsyncIterable<Buffer>;
}

async function readText(
  { headers, body }: UndiciReply,
  limit: number,
  { what }: HttpRequest,
  { host }: URL,
): Promise<string> {
  const unreadable = (problem: string): AppError => new AppError("external_unreadable", { host, what, problem });
  const coding = headers["content-encoding"];
  if (coding !== undefined && coding !== "identity") throw unreadable("it came compressed, which was not asked for");
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes > limit) throw unreadable(`it is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
