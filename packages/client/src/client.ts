import type { CallOf, Endpoint, ReplyOf } from "@portcullis/contract";
import { errorFromProblem, PortcullisError } from "./error.ts";

export interface ClientOptions {
  /** Where the gateway answers, `http://127.0.0.1:8484`; a path in it is kept. */
  readonly baseUrl: string;
  /** An admin key, or the content of `admin.token`. Without it only `setup` can be called. */
  readonly token?: string | undefined;
  /** For a platform without a global `fetch`, or to see the traffic in a test. */
  readonly fetch?: typeof globalThis.fetch;
  /** How long one call may take, its reply included unless that is a file. 30 seconds unless given. */
  readonly timeoutMs?: number;
}

type Arguments<E> = Record<never, never> extends CallOf<E> ? [request?: CallOf<E>] : [request: CallOf<E>];

export interface Client {
  /**
   * Calls any endpoint of the contract: `client.call(endpoints.keys.create, { input: { user: "ada" } })`.
   * Rejects with `PortcullisError`, and with nothing else. A file that an endpoint answers with is read to its end, or left
   * by leaving the loop.
   */
  call<E extends Endpoint>(endpoint: E, ...request: Arguments<E>): Promise<ReplyOf<E>>;
}

/** What a call may carry, seen without its types. */
interface Request {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly input?: unknown;
}

/** Throws `TypeError` for a base URL that is not an http address. */
export function createClient(options: ClientOptions): Client {
  const base = parseBaseUrl(options.baseUrl);
  return {
    async call<E extends Endpoint>(endpoint: E, ...[request]: Arguments<E>): Promise<ReplyOf<E>> {
      const response = await send(options, base, endpoint, request ?? {});
      // The contract says what the reply is; the gateway checks its inputs, and a client trusts its gateway's outputs.
      return response as ReplyOf<E>;
    },
  };
}

function parseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    throw new TypeError("the base URL must be an http:// or https:// address without a user name");
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

async function send(options: ClientOptions, base: string, endpoint: Endpoint, request: Request): Promise<unknown> {
  // oxlint-disable-next-line no-restricted-globals -- this package runs in other people's programs and browsers, which have no connector
  const fetch = options.fetch ?? globalThis.fetch;
  const headers: Record<string, string> = { accept: "application/json, application/problem+json" };
  if (options.token !== undefined) headers["authorization"] = `Bearer ${options.token}`;
  if (request.input !== undefined) headers["content-type"] = "application/json";
  const limit = timeLimit(options.timeoutMs ?? 30_000);
  try {
    const response = await fetch(
      base + fillPath(endpoint.path, request.params ?? {}) + queryString(request.query ?? {}),
      {
        method: endpoint.method,
        headers,
        // A redirect would carry the token to where it was not meant for.
        redirect: "manual",
        signal: limit.signal,
        ...(request.input === undefined ? {} : { body: JSON.stringify(request.input) }),
      },
    );
    if (endpoint.download !== undefined && response.ok && response.body !== null) return readFile(response.body, base);
    return await readReply(response, base);
  } catch (thrown) {
    throw thrown instanceof PortcullisError ? thrown : transportError(thrown, base);
  } finally {
    limit.lift();
  }
}

function timeLimit(limitMs: number): { readonly signal: AbortSignal; lift(): void } {
  const controller = new AbortController();
  const expire = () => controller.abort(new DOMException("there was no answer in time", "TimeoutError"));
  const timer = setTimeout(expire, limitMs);
  return { signal: controller.signal, lift: () => clearTimeout(timer) };
}

/** A file takes as long as it takes. One that is broken off ends with an error. */
async function* readFile(body: ReadableStream<Uint8Array>, base: string): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch {
    throw new PortcullisError({ status: 0, code: "unreachable", title: `${base} broke off its reply` });
  }
}

/** An empty or dotted value would be resolved away and make the call reach another address, so it names nothing. */
function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => {
    const value = params[name] ?? "";
    if (/^\.{0,2}$/.test(value))
      throw new PortcullisError({ status: 404, code: "not_found", title: `there is no \`${value}\`` });
    return encodeURIComponent(value);
  });
}

function queryString(query: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return "";
  return `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

async function readReply(response: Response, base: string): Promise<unknown> {
  const text = await response.text();
  if (response.status === 204) return undefined;
  const isJson = /^application\/(problem\+)?json\b/.test(response.headers.get("content-type") ?? "");
  const body = isJson ? parseJson(text) : undefined;
  if (response.ok && body !== undefined) return body;
  throw errorFromProblem(response.status, body) ?? unexpectedReply(response.status, base);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unexpectedReply(status: number, base: string): PortcullisError {
  return new PortcullisError({
    status,
    code: "unexpected_reply",
    title: `what answers at ${base} is not a Portcullis gateway (status ${status})`,
    hint: "check the address",
  });
}

/** The thrown value stays behind: what a `fetch` puts into it is not ours to vouch for. */
function transportError(thrown: unknown, base: string): PortcullisError {
  if (thrown instanceof Error && thrown.name === "TimeoutError") {
    return new PortcullisError({ status: 0, code: "timeout", title: `${base} did not answer in time` });
  }
  return new PortcullisError({
    status: 0,
    code: "unreachable",
    title: `nothing answers at ${base}`,
    hint: "start the gateway with `portcullis serve`, or name another one with --url",
  });
}
