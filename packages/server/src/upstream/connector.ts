import { lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { Client, buildConnector } from "undici";
import { AppError } from "../kernel/errors.ts";
import { isAllowedAddress, isAllowedOrigin } from "./addresses.ts";
import { Call } from "./call.ts";
import { Connections, type Connection } from "./connections.ts";
import { ForbiddenAddress } from "./failure.ts";

export interface ConnectorOptions {
  readonly connectTimeoutMs: number;
  /** How long the head of a reply may take: reasoning models think for minutes before the first byte. */
  readonly firstByteTimeoutMs: number;
  /** How long a reply that has begun may stay silent. */
  readonly idleTimeoutMs: number;
  /** Connections to one origin at most; as many requests may wait for one. */
  readonly maxConnections: number;
  /** How long a request waits for a connection before it is refused as `upstream_busy`. */
  readonly queueTimeoutMs: number;
  /** Replaces the system's name resolution, in tests. */
  readonly lookup?: LookupFunction;
}

export interface UpstreamRequest {
  /** For messages: who is called. */
  readonly provider: string;
  /** `https://api.example.com` */
  readonly origin: string;
  readonly path: string;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Names and values in turn. `host` and framing headers are not among them: the connector sets these itself. */
  readonly headers: readonly string[];
  readonly body: Buffer | UpstreamBody | null;
  readonly allowPrivate: boolean;
}

/** A request body that does not lie in memory. Its length is sent ahead, so it must be what the stream gives. */
export interface UpstreamBody {
  readonly sizeBytes: number;
  /** Called once, when the request is sent; the stream is destroyed when the call is over, however it ended. */
  open(): Readable;
}

/** Header names in lower case; a header that came twice is an array. */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * What happens to a reply, which comes decoded if it was compressed. After `onEnd` or `onFailure`, nothing more is called.
 * A request that cannot be sent at all may fail before `send` has returned.
 */
export interface UpstreamListener {
  onHead(status: number, headers: ReplyHeaders): void;
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
  /** Puts other limits in force for calls to come, over new connections; those under way keep what they have. */
  adopt(options: ConnectorOptions): void;
  close(): Promise<void>;
}

/**
 * The only way out of this process to a provider. HTTP/1.1; no proxy from the environment; redirects are answers like any other,
 * never followed. A name is resolved when a connection is made, the addresses that are not allowed are
 * dropped, and the connection goes to one that passed: there is no second resolution to rebind.
 */
export function createConnector(given: ConnectorOptions): Connector {
  const origins = new Map<string, Connections>();
  let options = given;
  let retired: readonly Connections[] = [];

  function connectionsTo(origin: string, allowPrivate: boolean, provider: string): Connections {
    const name = allowPrivate ? `private ${origin}` : origin;
    const known = origins.get(name);
    if (known !== undefined) return known;
    if (!isAllowedOrigin(origin, allowPrivate)) throw new AppError("upstream_forbidden", { provider });
    const { maxConnections, queueTimeoutMs } = options;
    const connections = new Connections({
      maxConnections,
      queueTimeoutMs,
      open: opener(origin, allowPrivate, options),
    });
    origins.set(name, connections);
    return connections;
  }

  return {
    send(request, listener) {
      const connections = connectionsTo(request.origin, request.allowPrivate, request.provider);
      const call = new Call(request, listener, connections, options);
      connections.request(call);
      return call;
    },
    adopt(next) {
      options = { ...options, ...next };
      retired = [...retired, ...origins.values()].filter((connections) => !connections.empty);
      origins.clear();
      for (const connections of retired) connections.retire();
    },
    async close() {
      await Promise.all([...origins.values(), ...retired].map((connections) => connections.close()));
      origins.clear();
    },
  };
}

/** Makes connections to an origin: HTTP/1.1, one request at a time, bounded heads, checked addresses. */
function opener(origin: string, allowPrivate: boolean, options: ConnectorOptions): () => Connection {
  const connect = buildConnector({
    allowH2: false,
    timeout: options.connectTimeoutMs,
    lookup: checkedLookup(options.lookup ?? systemLookup, allowPrivate),
    autoSelectFamily: true,
    noDelay: true,
  });
  const clientOptions = {
    allowH2: false,
    pipelining: 1,
    headersTimeout: options.firstByteTimeoutMs,
    bodyTimeout: options.idleTimeoutMs,
    maxHeaderSize: 32 * 1024,
  };
  return () => {
    const connection: Connection = {
      socket: undefined,
      client: new Client(origin, {
        ...clientOptions,
        connect: (target, callback) =>
          connect(target, (...result) => {
            connection.socket = result[1] ?? undefined;
            callback(...result);
          }),
      }),
    };
    return connection;
  };
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
