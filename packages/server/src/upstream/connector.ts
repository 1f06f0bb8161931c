import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { Pool, buildConnector, type Dispatcher } from "undici";
import { AppError } from "../kernel/errors.ts";
import { isAllowedAddress } from "./addresses.ts";
import { ForbiddenAddress, classifyFailure } from "./failure.ts";

export interface ConnectorOptions {
  readonly connectTimeoutMs: number;
  /** How long the head of a reply may take: reasoning models think for minutes before the first byte. */
  readonly firstByteTimeoutMs: number;
  /** How long a reply that has begun may stay silent. */
  readonly idleTimeoutMs: number;
  /** Connections to one origin at most; requests past that wait for one. */
  readonly maxConnections: number;
  /** Replaces the system's name resolution, in tests. */
  readonly lookup?: LookupFunction;
}

export interface UpstreamRequest {
  /** For messages: who is called. */
  readonly provider: string;
  /** `https://api.example.com` */
  readonly origin: string;
  readonly path: string;
  readonly method: "POST" | "GET" | "DELETE";
  /** Names and values in turn. `host` and framing headers are not among them: the connector sets these itself. */
  readonly headers: readonly string[];
  readonly body: Buffer | null;
  readonly allowPrivate: boolean;
}

/** What happens to a reply. After `onEnd` or `onFailure`, nothing more is called. */
export interface UpstreamListener {
  /** Header names in lower case; a header that came twice is an array. */
  onHead(status: number, headers: Readonly<Record<string, string | readonly string[] | undefined>>): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
  onFailure(error: AppError): void;
}

/** One call under way. `abort` closes the upstream's connection at once; the listener is not called again. */
export interface UpstreamCall {
  pause(): void;
  resume(): void;
  abort(): void;
}

export interface Connector {
  send(request: UpstreamRequest, listener: UpstreamListener): UpstreamCall;
  close(): Promise<void>;
}

/**
 * The only way out of this process to a provider. HTTP/1.1; no proxy from the environment; redirects are answers like any other,
 * never followed. A name is resolved when a connection is made, the addresses that are not allowed are
 * dropped, and the connection goes to one that passed: there is no second resolution to rebind.
 */
export function createConnector(options: ConnectorOptions): Connector {
  const pools = new Map<string, Pool>();

  function poolFor(origin: string, allowPrivate: boolean, provider: string): Pool {
    const name = allowPrivate ? `private ${origin}` : origin;
    const known = pools.get(name);
    if (known !== undefined) return known;
    refuseForbiddenLiteral(new URL(origin), allowPrivate, provider);
    const pool = new Pool(origin, {
      allowH2: false,
      pipelining: 1,
      connections: options.maxConnections,
      headersTimeout: options.firstByteTimeoutMs,
      bodyTimeout: options.idleTimeoutMs,
      maxHeaderSize: 32 * 1024,
      connect: buildConnector({
        allowH2: false,
        timeout: options.connectTimeoutMs,
        lookup: checkedLookup(options.lookup ?? systemLookup, allowPrivate),
        autoSelectFamily: true,
        noDelay: true,
      }),
    });
    pools.set(name, pool);
    return pool;
  }

  return {
    send(request, listener) {
      const call = new Call(request, listener, options);
      const pool = poolFor(request.origin, request.allowPrivate, request.provider);
      pool.dispatch(call.dispatchOptions(), call);
      return call;
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()));
      pools.clear();
    },
  };
}

/** An IP literal is connected to without a look-up, so it is judged here. */
function refuseForbiddenLiteral(url: URL, allowPrivate: boolean, provider: string): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) !== 0 && !isAllowedAddress(host, allowPrivate)) throw new AppError("upstream_forbidden", { provider });
}

function checkedLookup(resolve: LookupFunction, allowPrivate: boolean): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    resolve(hostname, { ...lookupOptions, all: true }, (error, found) => {
      if (error !== null) return callback(error, "", 0);
      const all = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const allowed = all.filter((entry) => isAllowedAddress(entry.address, allowPrivate));
      const first = allowed[0];
      if (first === undefined) return callback(new ForbiddenAddress(`no allowed address for ${hostname}`), "", 0);
      if (lookupOptions.all === true) return callback(null, allowed);
      return callback(null, first.address, first.family);
    });
  };
}

/**
 * Carries one request through undici's dispatch interface to the listener. States: *waiting* (no head yet) →
 * *flowing* (head seen) → *done* (ended, failed or aborted). Nothing reaches the listener once done.
 */
class Call implements Dispatcher.DispatchHandler, UpstreamCall {
  readonly #request: UpstreamRequest;
  readonly #listener: UpstreamListener;
  readonly #options: ConnectorOptions;
  #controller: Dispatcher.DispatchController | undefined;
  #state: "waiting" | "flowing" | "done" = "waiting";

  constructor(request: UpstreamRequest, listener: UpstreamListener, options: ConnectorOptions) {
    this.#request = request;
    this.#listener = listener;
    this.#options = options;
  }

  dispatchOptions(): Dispatcher.DispatchOptions {
    const { path, method, headers, body } = this.#request;
    return { path, method, headers: headers as string[], body };
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#state === "done") controller.abort(new Error("aborted"));
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | readonly string[] | undefined>>,
  ): void {
    if (this.#state === "done" || status < 200) return;
    this.#state = "flowing";
    this.#listener.onHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state === "flowing") this.#listener.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#listener.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (this.#state === "done") return;
    const headSeen = this.#state === "flowing";
    this.#state = "done";
    const seconds = Math.round((headSeen ? this.#options.idleTimeoutMs : this.#options.firstByteTimeoutMs) / 1000);
    this.#listener.onFailure(classifyFailure(error, this.#request.provider, headSeen, seconds));
  }

  pause(): void {
    this.#controller?.pause();
  }

  resume(): void {
    this.#controller?.resume();
  }

  abort(): void {
    if (this.#state === "done") return;
    this.#state = "done";
    this.#controller?.abort(new Error("aborted by the caller"));
  }
}
